/** Endpoints that are not what they are called: told once, with the lines that settle it, and only where it is so. */
import t from 'tap';
import { readCapture } from '../../adapters/host/capture.ts';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { MisreadName } from '../../src/call/known/side.ts';
import type { SourcePlan } from '../../src/call/plan.ts';
import { NAMED } from '../../src/health/misread.ts';
import type { CallEvent, ChannelFacts } from '../../src/telephony/call-event.ts';
import { facts } from '../support/facts.ts';
import { readers, type Scenario, scenarios } from '../support/recordings.ts';
import { advised, bench, configOf, type Settings } from './support.ts';

const START = Date.parse('2026-11-25T10:00:00Z');

/** A channel that calls in and ends, in a call of its own. */
function alone(endpoint: string, more: Partial<ChannelFacts>, n = 0): CallEvent[] {
  const stamp = { source: 'pbx', at: START + n * 1000, receivedAt: START + n * 1000 };
  const channel = `${endpoint}-${n}`;
  const clearing = { q850: 16, sip: null, text: null };
  return [
    { ...stamp, kind: 'channel-created', channel, facts: facts(endpoint, channel, more) },
    { ...stamp, kind: 'cleared', channel, clearing },
  ];
}

function misreadIn(plan: SourcePlan, events: readonly CallEvent[]): MisreadName[] {
  const found: MisreadName[] = [];
  const table = new CallTable('pbx', plan, DEFAULT_RULES, undefined, (name) => found.push(name));
  for (const event of events) table.apply(event);
  table.advance((events.at(-1)?.receivedAt ?? START) + 60_000);
  return found;
}

/** What the watch tells of these events with these settings. */
function watched(settings: Settings, events: readonly CallEvent[]) {
  const { watch, conditions, logged } = bench(settings);
  for (const name of misreadIn(configOf(settings).plan, events)) watch.misread('pbx', name);
  return { raised: conditions.raised(), logged };
}

const pstn = { context: 'from-pstn' };
const phone = { context: 'from-internal', dialled: '1002', caller: { number: '1001', name: null } };
const MIXED = [
  ...alone('PJSIP/80411', pstn, 1),
  ...alone('DAHDI/7', phone, 2),
  ...alone('PJSIP/asha.rao', phone, 3),
  ...alone('PJSIP/80411', pstn, 4),
  ...alone('PJSIP/Airtel-SIP', pstn, 5),
  ...alone('PJSIP/1001', phone, 6),
];

t.test('a trunk named like a phone and phones that fit no pattern; the advised lines end it', async (t) => {
  const { raised, logged } = watched({}, MIXED);
  t.match(raised, [{ code: 'endpoints-misread', severity: 'warning', source: 'pbx' }]);
  const [{ text, lines } = { text: '', lines: [] }] = raised;
  t.match(
    text,
    /DAHDI\/7 is a phone \(context from-internal\); PJSIP\/80411 is a trunk \(context from-pstn\); PJSIP\/asha/,
  );
  t.strictSame(lines, [
    '# in [[source]] pbx, in place of its line "extensions" if it has one:',
    "extensions = ['/^(?:PJSIP|SIP|IAX2|SCCP)\\/(?<ext>\\d{2,6})$/', 'DAHDI/7', 'PJSIP/asha.rao']",
    '# after all other lines of [[source]] pbx:',
    '[[source.trunk]]',
    "match = ['PJSIP/80411']",
  ]);
  t.strictSame(logged, ['warn endpoints-misread'], 'said once, however many are found');
  const [extensions = ''] = lines.slice(1);
  const settled = advised({ keys: [extensions] }, lines.slice(2));
  t.strictSame(watched(settled, MIXED).raised, []);
});

t.test('a PBX whose names fit is told nothing', async (t) => {
  const fitting = [
    ...alone('PJSIP/Airtel-SIP', pstn, 1),
    ...alone('PJSIP/1001', phone, 2),
    ...alone('DAHDI/i1/9845012345', { ...pstn, line: { side: 'trunk', fact: 'ISDN span 1' } }, 3),
  ];
  t.strictSame(watched({}, fitting), { raised: [], logged: [] });
});

t.test('where one call led is odd, where two led is told; what contradicts itself is not', async (t) => {
  const name = { endpoint: 'PJSIP/80411', side: 'trunk', fact: 'an outside number called', inferred: true } as const;
  const { watch, codes } = bench();
  watch.misread('pbx', name);
  t.strictSame(codes(), []);
  watch.misread('pbx', name);
  t.strictSame(codes(), ['endpoints-misread']);
  watch.misread('nowhere', name);
  const odd = bench();
  odd.watch.misread('pbx', { ...name, inferred: false });
  odd.watch.misread('pbx', { ...name, side: 'extension' });
  t.strictSame(odd.codes(), []);
  odd.watch.misread('pbx', name);
  t.strictSame(odd.codes(), [], 'and stays so');
});

t.test('calls of the cases: one that led somewhere, two that did', async (t) => {
  const told = async (name: string) => {
    const file = new URL(`../fixtures/cases/${name}/events.jsonl`, import.meta.url).pathname;
    const { frames } = await readCapture(file);
    const read = readers.asterisk;
    return watched(
      {},
      frames.flatMap(({ raw, receivedAt }) => [...(read?.(raw, 'pbx', receivedAt) ?? [])]),
    ).logged;
  };
  t.strictSame(await told('met-in-the-menu'), []);
  t.strictSame(await told('met-two-calls-crosswise'), ['warn endpoints-misread']);
  t.strictSame(
    await told('trunk-by-digits-out'),
    ['warn endpoints-misread'],
    'a number was sent to it: once is enough',
  );
});

t.test('names that a PBX makes up fill neither the screen nor the memory', async (t) => {
  const { watch, find, logged } = bench();
  for (let n = 0; n < 5000; n += 1) {
    const endpoint = `SIP/x${String(n).padStart(4, '0')}`;
    watch.misread('pbx', { endpoint, side: 'extension', fact: 'context from-internal', inferred: false });
  }
  const { text, lines } = find('endpoints-misread');
  t.match(text, new RegExp(`and ${200 - NAMED} more`));
  t.equal(lines[1]?.split(', ').length, NAMED + 1);
  t.equal(logged.length, 1);
});

const eventsOf = async ({ pbx, directory }: Scenario): Promise<CallEvent[]> => {
  const { frames } = await readCapture(new URL('events.jsonl.gz', directory).pathname);
  return frames.flatMap(({ raw, receivedAt }) => [...(readers[pbx]?.(raw, 'pbx', receivedAt) ?? [])]);
};

t.test('no call of the recorded FreePBX with its default config gives a warning', async (t) => {
  const stock = scenarios().filter(({ set }) => set === 'freepbx-17');
  t.ok(stock.length > 30);
  for (const scenario of stock) t.strictSame(misreadIn(scenario.plan, await eventsOf(scenario)), [], scenario.name);
});
