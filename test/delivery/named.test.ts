/** Calls that were skipped, sent again: what a dry run says is what the replay does, and a call that is named is posted. */
import t from 'tap';
import type { CallRecord } from '../../src/call/record.ts';
import { heldLines } from '../../src/delivery/parked/held.ts';
import { SKIPPED_CODES } from '../../src/delivery/parked/reasons.ts';
import { DEFAULT_POLICY, type DeliveryPolicy } from '../../src/delivery/policy.ts';
import { fresh, World } from './fakes.ts';

const HOURS = 3_600_000;

/** What the config holds back by each of its means, in the order of the calls' numbers. */
const CALLS: readonly Partial<CallRecord>[] = [
  { direction: 'Internal', agentsRung: ['1002'] },
  { external: '08045678905', externalE164: '+918045678905' },
  { trunk: 'PJSIP/fax' },
  { external: null, externalE164: null, withheld: true },
  { agent: '1009', responsible: '1009', agentsRung: ['1009'] },
  {},
];

const POLICY: Partial<DeliveryPolicy> = {
  own: ['+9180456789*'],
  skip: { ...DEFAULT_POLICY.skip, trunks: ['PJSIP/fax'] },
  user: { ...DEFAULT_POLICY.user, rows: [], discover: false, unknown: ['skip'], defaultUser: null },
  lead: { ...DEFAULT_POLICY.lead, unknown: 'skip' },
};

async function skipped(policy: Partial<DeliveryPolicy> = POLICY) {
  const world = new World();
  const life = await world.live({ ...policy });
  await world.clock.advance(6000);
  for (const [n, over] of CALLS.entries()) world.end(fresh(world, n + 1, over));
  life.delivery.notify();
  await world.clock.advance(10_000);
  const codes = () => CALLS.map((_, n) => `${world.row(n + 1).state} ${world.row(n + 1).code}`);
  return { world, life, codes };
}

const everything = { filter: { states: ['skipped'] }, force: false } as const;
const HELD = { 'skip-internal': 1, 'skip-own-number': 1, 'skip-filter': 1, 'skip-no-number': 1 };

t.test('a selection: what the config holds back is left alone, and the dry run says so', async (t) => {
  const { world, life, codes } = await skipped();
  const before = codes();
  t.same(before.filter((one) => one.startsWith('skipped')).length, CALLS.length);
  world.crm.requests.length = 0;
  const dry = await life.delivery.replay({ ...everything, dryRun: true });
  t.match(dry, { count: 2, skipped: 2, heldBack: HELD }, 'a lead may be there by now');
  t.same(dry.samples.length, 2);
  const done = await life.delivery.replay({ ...everything, dryRun: false });
  t.match(done, { count: 2, heldBack: HELD });
  await world.clock.advance(10_000);
  t.same(codes(), before);
  t.same(
    world.crm.requests.filter((request) => request === 'post'),
    [],
  );
  world.close();
});

t.test('a call that is named is posted, whatever list, age or policy left it out', async (t) => {
  const { world, life } = await skipped({ ...POLICY, maxAgeMs: HOURS });
  await world.clock.advance(2 * HOURS);
  const ids = CALLS.map((_, n) => `pbx:1:${n + 1}`);
  t.match(await life.delivery.replay({ ...everything, dryRun: true }), { count: 0, heldBack: { 'skip-old': 5 } });
  const named = { filter: { ids }, force: false, named: true } as const;
  const dry = await life.delivery.replay({ ...named, dryRun: true });
  t.match(dry, { count: 4, heldBack: { 'skip-internal': 1, 'skip-own-number': 1 } });
  life.delivery.pause();
  t.match(await life.delivery.replay({ ...named, dryRun: false }), { count: 4 });
  life.kill();
  const next = await world.live({ ...POLICY, maxAgeMs: HOURS });
  next.delivery.notify();
  await world.clock.advance(20_000);
  const posted = CALLS.map((_, n) => world.crm.logged(`pbx:1:${n + 1}`));
  t.same(posted, [0, 0, 1, 1, 1, 1], 'also when a restart came between');
  world.close();
});

t.test('each reason is told with what to change, and the ids with what they overrule', (t) => {
  const all = Object.fromEntries(SKIPPED_CODES.map((code) => [code, 2]));
  const lines = heldLines(all, false);
  for (const code of SKIPPED_CODES)
    t.match(lines.join('\n'), new RegExp(`^2 calls are left alone.*\\(${code}\\)\\. To have`, 'm'));
  t.match(lines.at(-1), /^Those of skip-old, skip-filter, .* by their id: logcalld replay ID\.$/);
  t.notMatch(lines.at(-1), /internal|own-number/);
  t.equal(heldLines(all, true).length, SKIPPED_CODES.length);
  t.same(heldLines({}, false), []);
  t.end();
});
