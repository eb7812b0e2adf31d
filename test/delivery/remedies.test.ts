/**
 * Each reason with which a call is parked: it is parked so, then what its remedy says is done literally (the config, the users file, the
 * CRM, a restart or a reload, the command), and the call is there, once.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parseConfig } from '../../config/load.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { parseCommandLine } from '../../src/cli/parse.ts';
import { selectionOf } from '../../src/commands/calls/selection.ts';
import { deliveryPolicyOf } from '../../src/daemon/settings.ts';
import { PARKED_CODES, type ParkedCode, remedyOf, replayCommand } from '../../src/delivery/parked/reasons.ts';
import { parkedFinding } from '../../src/health/parked.ts';
import { type Fate, fresh, type Life, World } from './fakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'logcalld-remedies-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const usersFile = (...lines: readonly string[]): void =>
  writeFileSync(join(folder, 'users.csv'), ['extension,user', ...lines, ''].join('\n'));

/** Lines of tables below `[leadsquared]`, by the name of the table. */
type Settings = Readonly<Record<string, string>>;

const FILE = "file = 'users.csv'";

function policyOf(settings: Settings) {
  const tables = Object.entries({ user: FILE, ...settings }).map(([name, lines]) => `[leadsquared.${name}]\n${lines}`);
  const source = "[[source]]\ntype = 'asterisk'\nname = 'pbx'\nusername = 'logcalld'\ncountry = 'IN'";
  const text = [source, "[leadsquared]\nhost = 'api-in21.leadsquared.com'", ...tables].join('\n');
  return deliveryPolicyOf(parseConfig(text, join(folder, 'logcalld.toml')));
}

interface Case {
  readonly code: ParkedCode;
  readonly name: string;
  readonly settings?: Settings;
  readonly record?: Partial<CallRecord>;
  /** What is wrong. */
  readonly wrong?: (world: World) => void;
  /** What is wrong with what is stored of it. */
  readonly stored?: (world: World) => void;
  /** How long it takes, ms. */
  readonly takesMs?: number;
  /** So long it takes in one go, in which nothing is done, ms. */
  readonly afterMs?: number;
  /** The CRM works for other calls meanwhile, so that the failure is this one's own. */
  readonly beside?: true;
  /** What the remedy says, outside of logcalld. */
  readonly mend?: (world: World) => void;
  /** The config is changed (as far as it is named) and logcalld restarted. */
  readonly restart?: Settings;
  /** "logcalld reload". */
  readonly reload?: true;
}

const lead = (id: string) => ({ id, name: null, ownerId: null, phone: null, mobile: null });
const asha = { id: 'u-1001', name: 'Asha', email: 'asha@example.com', active: true, phones: [] };
const NUMBER = '9811000001';
const OUTSIDE = {
  value: null,
  rule: 'outside-telephone-of-nobody',
  fact: 'the agent was rung on an outside telephone that agent_mobiles does not name',
  rejected: [],
};
const missed: Partial<CallRecord> = {
  agent: null,
  responsible: null,
  agentsRung: [],
  answeredAt: null,
  status: 'Missed',
};
const noNumber: Partial<CallRecord> = { external: null, externalE164: null };

/** This fate for requests that begin so, of the call and its number alone. */
const failing = (begin: string, fate: Fate) => (world: World) => {
  const own = (request: string, call: string | null) =>
    request.startsWith(begin) && (call === null ? request.endsWith(NUMBER) : call.endsWith(':1'));
  world.crm.fate = (request, call) => (own(request, call) ? fate : 'ok');
};
const healed = (world: World): void => {
  world.crm.fate = () => 'ok';
};
const known = (world: World): void => {
  world.crm.leads.set(NUMBER, [lead('made')]);
};
const HOURS = 3_600_000;
const OTHERS = 50;

const CASES: readonly Case[] = [
  {
    ...{ code: 'no-user', name: 'no line in the users file' },
    wrong: () => usersFile(),
    mend: () => usersFile('1001,asha@example.com'),
    restart: {},
  },
  {
    ...{ code: 'no-user', name: 'no users file at all' },
    settings: { user: '' },
    mend: () => usersFile('1001,asha@example.com'),
    restart: { user: FILE },
  },
  {
    ...{ code: 'no-user', name: 'the user of its line does not exist' },
    wrong: ({ crm }) => {
      crm.users = [];
    },
    mend: ({ crm }) => {
      crm.users = [asha];
    },
    reload: true,
  },
  {
    ...{ code: 'no-user', name: 'the user of its line is inactive' },
    wrong: ({ crm }) => {
      crm.users = [{ ...asha, active: false }];
    },
    mend: ({ crm }) => {
      crm.users = [asha];
    },
    reload: true,
  },
  {
    ...{ code: 'no-agent', name: 'omit' },
    ...{ settings: { user: "no_agent = ['park']" }, record: missed },
    restart: { user: "no_agent = ['omit']" },
  },
  {
    ...{ code: 'no-agent', name: 'default-user' },
    ...{ settings: { user: "no_agent = ['lead-owner', 'park']" }, record: missed },
    restart: { user: "no_agent = ['lead-owner', 'default-user']\ndefault_user = 'asha@example.com'" },
  },
  {
    ...{ code: 'outside-phone', name: 'named in agent_mobiles, derived again' },
    record: {
      agent: null,
      responsible: null,
      agentsRung: [],
      reasons: { agent: OUTSIDE } as unknown as CallRecord['reasons'],
    },
    // What rederive makes of it, see test/cli/commands.test.ts.
    mend: (world) => world.end({ ...world.stored(1).record, agent: '1001', responsible: '1001', reasons: null }),
    restart: {},
  },
  {
    ...{ code: 'no-lead', name: 'the lead is created', settings: { lead: "unknown = 'park'\nmissing_age = '30d'" } },
    mend: known,
  },
  {
    ...{ code: 'no-lead', name: 'let-leadsquared-create', settings: { lead: "unknown = 'park'" } },
    restart: { lead: "unknown = 'let-leadsquared-create'" },
  },
  {
    ...{ code: 'no-lead', name: 'capture', settings: { lead: "unknown = 'park'" } },
    restart: { lead: "unknown = 'capture'" },
  },
  {
    ...{ code: 'several-leads', name: 'merged', settings: { lead: "several = 'park'" } },
    wrong: ({ crm }) => crm.leads.set(NUMBER, [lead('a'), lead('b')]),
    mend: known,
  },
  {
    ...{ code: 'several-leads', name: 'the first', settings: { lead: "several = 'park'" } },
    wrong: ({ crm }) => crm.leads.set(NUMBER, [lead('a'), lead('b')]),
    restart: { lead: "several = 'first'" },
  },
  ...[
    { name: 'withheld', record: { ...noNumber, withheld: true } },
    {
      name: 'an outbound call of which the PBX told no number',
      record: { ...noNumber, direction: 'Outbound' as const },
    },
    { name: 'blotted out', record: { external: '98110XXXXX', externalE164: null, withheld: true } },
  ].map((one) => ({
    ...{ code: 'no-number' as const, ...one, settings: { lead: "anonymous = 'park'" } },
    restart: { lead: "anonymous = 'send'" },
  })),
  {
    ...{
      code: 'lookup-refused',
      name: 'a format that the account takes',
      settings: { lead: "lookup_formats = ['NSN']" },
    },
    wrong: failing('lead 98', 'rejected'),
    restart: { lead: "lookup_formats = ['+CC-NSN']" },
  },
  {
    ...{ code: 'lead-refused', name: 'the lead is created by hand', settings: { lead: "unknown = 'capture'" } },
    wrong: failing('capture', 'rejected'),
    mend: known,
  },
  {
    ...{ code: 'lead-refused', name: 'let-leadsquared-create', settings: { lead: "unknown = 'capture'" } },
    wrong: failing('capture', 'rejected'),
    restart: { lead: "unknown = 'let-leadsquared-create'" },
  },
  {
    ...{ code: 'users-unknown', name: 'they can be had again', afterMs: 25 * HOURS, reload: true, mend: healed },
    wrong: ({ crm }) => {
      crm.fate = (request) => (request === 'users' ? 'unavailable' : 'ok');
    },
  },
  {
    ...{ code: 'lookup-failed', name: 'it works again', takesMs: 8 * HOURS, beside: true, mend: healed },
    wrong: failing('lead', 'unavailable'),
  },
  {
    ...{ code: 'rejected', name: 'the lead was merged into another' },
    wrong(world) {
      known(world);
      failing('post', 'rejected')(world);
    },
    mend(world) {
      healed(world);
      world.crm.leads.set(NUMBER, [lead('other')]);
    },
  },
  {
    ...{ code: 'rejected', name: 'a field that it does not take', restart: {}, mend: healed },
    wrong: failing('post', 'rejected'),
  },
  {
    ...{ code: 'rejected', name: 'a user of which it does not know any more', mend: healed },
    wrong: failing('post', 'rejected'),
    restart: {
      user: `${FILE}
unknown = ['omit']`,
    },
  },
  {
    ...{ code: 'post-failed', name: 'it surely did not arrive', takesMs: 8 * HOURS, beside: true, mend: healed },
    wrong: failing('post', 'unavailable'),
  },
  {
    ...{ code: 'post-failed', name: 'it never arrives', takesMs: 40 * HOURS, beside: true, mend: healed },
    wrong: failing('post', 'dropped'),
  },
  ...(['lost', 'dropped'] as const).map((fate) => ({
    ...{ code: 'check-held' as const, name: fate, settings: { uncertain: "policy = 'hold'" }, mend: healed },
    wrong: failing('post', fate),
  })),
  ...(['lost', 'dropped'] as const).map((fate) => ({
    ...{ code: 'check-failed' as const, name: fate, takesMs: 8 * HOURS, beside: true as const, mend: healed },
    wrong: ({ crm }: World): void => {
      crm.fate = (request, call) =>
        call?.endsWith(':1') !== true ? 'ok' : request === 'post' ? fate : request === 'find' ? 'unavailable' : 'ok';
    },
  })),
  {
    ...{ code: 'check-impossible', name: 'it was looked for by a person, and is not there' },
    wrong(world) {
      known(world);
      world.crm.fate = (request) => (request === 'post' ? 'dropped' : request === 'find' ? 'rejected' : 'ok');
    },
    mend: ({ crm }) => {
      crm.fate = (request) => (request === 'find' ? 'rejected' : 'ok');
    },
  },
  {
    ...{ code: 'defect', name: 'a version that can make its body', takesMs: 8 * HOURS, beside: true, restart: {} },
    wrong({ crm }) {
      const { body } = crm;
      crm.body = (record, resolution) => {
        if (record.callSessionId.endsWith(':1')) throw new Error('no body');
        return body(record, resolution);
      };
    },
    mend(world) {
      world.crm.body = new World().crm.body;
    },
  },
  {
    ...{ code: 'unreadable', name: 'a backup that has it', beside: true },
    stored: ({ db }) => void db.prepare("UPDATE session SET json = '{' WHERE call_session_id = 'pbx:1:1'").run(),
    mend: (world) => world.end(fresh(world, 1)),
  },
];

/** Types the command. */
async function run(life: Life, command: string): Promise<number> {
  const [program, ...words] = command.split(' ');
  t.equal(program, 'logcalld');
  const parsed = parseCommandLine(words, COMMANDS, 'demo');
  if (parsed.kind === 'help') throw new Error(command);
  const { invocation } = parsed;
  const ids = invocation.arguments;
  const filter = { ...selectionOf(invocation, 0), ...(ids.length === 0 ? {} : { ids }) };
  return (await life.delivery.replay({ filter, force: invocation.flag('force'), dryRun: false })).count;
}

for (const one of CASES) {
  t.test(`${one.code}: ${one.name}`, async (t) => {
    const { code, settings = {}, wrong, mend, restart, reload, takesMs = 300_000, afterMs = 0, beside = false } = one;
    usersFile('1001,asha@example.com');
    const world = new World();
    world.crm.users = [asha];
    wrong?.(world);
    let life = await world.live(policyOf(settings));
    await world.clock.advance(6000);
    world.end(fresh(world, 1, one.record));
    one.stored?.(world);
    world.clock.block(afterMs);
    for (let n = 0; n < OTHERS && world.state(1) !== 'parked'; n++) {
      if (beside) world.end(fresh(world, n + 2, missed));
      life.delivery.notify();
      await world.clock.advance(takesMs / OTHERS);
    }
    t.match(world.row(1), { state: 'parked', code });
    const before = (await life.delivery.snapshot()).parked;
    const told = parkedFinding(before);
    t.match(told?.lines.join('\n'), replayCommand(code), 'it is told with its command');

    const { helps, oneByOne } = remedyOf(code);
    mend?.(world);
    if (restart !== undefined) {
      t.match(helps, code === 'defect' ? /install the version/ : /restart/);
      life.kill();
      life = await world.live(policyOf({ ...settings, ...restart }));
      await world.clock.advance(6000);
    }
    if (reload === true) {
      t.match(helps, /"logcalld reload"/);
      const done = life.delivery.retryNow();
      await world.clock.advance(5000);
      await done;
    }
    t.equal(await run(life, replayCommand(code, oneByOne === true ? 'pbx:1:1' : undefined)), 1);
    await world.clock.advance(600_000);
    t.match(world.row(1), { state: 'delivered', code: null });
    t.equal(world.crm.logged('pbx:1:1'), 1, 'once');
    t.equal(parkedFinding((await life.delivery.snapshot()).parked), null, 'nothing is told any more');
    world.close();
  });
}

t.test('with nothing set about users, a missed call waits for nobody', async (t) => {
  const world = new World();
  const life = await world.live(policyOf({ user: '' }));
  await world.clock.advance(6000);
  const rung = { ...missed, agentsRung: ['1999'], responsible: '1999' };
  world.end(fresh(world, 1, missed), fresh(world, 2, rung), fresh(world, 3));
  life.delivery.notify();
  await world.clock.advance(6000);
  t.strictSame(
    [1, 2].map((n) => world.state(n)),
    ['delivered', 'delivered'],
  );
  t.strictSame([...new Set(world.crm.ledger.map(({ body }) => body.UserId))], ['']);
  t.match(world.row(3), { state: 'parked', code: 'no-user' }, 'whose call an answered one is, is asked for');
  world.close();
});

t.test('every reason has its case', async (t) => {
  const tried = new Set<string>(CASES.map(({ code }) => code));
  t.strictSame(
    PARKED_CODES.filter((code) => !tried.has(code)),
    ['other'],
  );
});
