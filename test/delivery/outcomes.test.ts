/**
 * What becomes of a call for every fault that the stand-in server can play, on each request of its way. README.md tells it
 * to admins in "What happens when LeadSquared ...": change the two together.
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { FAULT_KINDS, type Fault } from '../../adapters/leadsquared/sandbox/faults.ts';
import { DEFAULT_POLICY } from '../../src/delivery/policy.ts';
import { amount } from '../support/runs.ts';
import { type Lab, openLab, type Position, type Trouble } from './outcome-lab.ts';

const MINUTE = 60_000;
// Many rows: they take seconds, and longer on a machine that is busy.
t.setTimeout(120_000);
const POSITIONS: readonly Position[] = ['lookup', 'capture', 'post', 'verify', 'update', 'all'];

/** `lost`: no reply to rely on, and not carried out. `done`: no reply to rely on, though it was carried out. */
type Class = 'accepted' | 'rejected' | 'rate' | 'denied' | 'lost' | 'done' | 'unreachable';

const NO_REPLY: readonly Fault[] = [
  { kind: 'timeout' },
  { kind: 'reset' },
  { kind: 'cut' },
  { kind: 'stall' },
  { kind: 'empty' },
  { kind: 'garbage' },
  { kind: 'html', status: 200 },
  { kind: 'html', status: 502 },
  { kind: 'status', status: 408 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503, body: 'Service Unavailable' },
  { kind: 'status', status: 200, body: '{"Status":"Error","ExceptionMessage":"something"}' },
];

const FAULTS: Readonly<Record<Class, readonly Trouble[]>> = {
  accepted: [{ kind: 'delay', ms: 1 }, { kind: 'content-type' }, { kind: 'content-type', contentType: 'text/html' }],
  rejected: [
    { kind: 'mx', status: 500, type: 'MXDuplicateEntryException' },
    { kind: 'mx', status: 200 },
    { kind: 'mx', status: 400 },
    { kind: 'status', status: 400, body: 'Bad Request' },
  ],
  rate: [
    { kind: 'rate', disguise: '429' },
    { kind: 'rate', disguise: '403' },
    { kind: 'rate', disguise: '200' },
    { kind: 'status', status: 429 },
  ],
  denied: [
    { kind: 'mx', status: 401, type: 'MXInvalidAccessDetailsException' },
    { kind: 'status', status: 401 },
    { kind: 'html', status: 403 },
    { kind: 'status', status: 404 },
    { kind: 'status', status: 407 },
    { kind: 'redirect', to: 'https://login.example/' },
    { kind: 'redirect', to: '/elsewhere', status: 301 },
  ],
  lost: [...NO_REPLY, { kind: 'mx', status: 500, message: 'Database timed out, please try again' }],
  done: NO_REPLY.map((fault) => ({ ...fault, commit: true })),
  unreachable: [{ kind: 'unreachable' }],
};

/**
 * After the first try: the state of the call (or, once delivered, of its late recording), attempts burnt, and what the
 * circuit is like (`held`: closed, and waiting for the rate). While the fault goes on for five minutes: the state, the alarm,
 * and whether other calls go on. After it: the state, and how often the call is in the server's ledger. A read that is
 * carried out is as good as one that is not, so `done` has no row for those.
 */
const TABLE = `
class        position  first           burnt  circuit  later           alarm               others  end             logged
accepted     lookup    delivered       0      closed   delivered       none                go-on   delivered       1
accepted     capture   delivered       0      closed   delivered       none                go-on   delivered       1
accepted     post      delivered       0      closed   delivered       none                go-on   delivered       1
accepted     verify    delivered       0      closed   delivered       none                go-on   delivered       1
accepted     update    update-sent     0      closed   update-sent     none                go-on   update-sent     1
accepted     all       delivered       0      closed   delivered       none                go-on   delivered       1
rejected     lookup    parked          0      closed   parked          none                wait    parked          0
rejected     capture   parked          0      closed   parked          none                wait    parked          0
rejected     post      parked          0      closed   parked          none                go-on   parked          0
rejected     verify    parked          0      closed   parked          none                go-on   parked          1
rejected     update    update-dropped  0      closed   update-dropped  crm-update-refused  go-on   update-dropped  1
rejected     all       parked          0      closed   parked          none                wait    parked          1
rate         lookup    retrying        0      held     waits           crm-rate-limited    wait    delivered       1
rate         capture   retrying        0      held     waits           crm-rate-limited    wait    delivered       1
rate         post      retrying        0      held     waits           crm-rate-limited    go-on   delivered       1
rate         verify    uncertain       0      held     waits           crm-rate-limited    go-on   delivered       1
rate         update    update-waits    0      held     update-waits    crm-rate-limited    go-on   update-sent     1
rate         all       uncertain       0      held     waits           crm-rate-limited    wait    delivered       1
denied       lookup    retrying        0      closed   waits           none                wait    delivered       1
denied       capture   retrying        0      closed   waits           none                wait    delivered       1
denied       post      retrying        1      closed   waits           none                go-on   delivered       1
denied       verify    uncertain       0      closed   waits           none                go-on   delivered       1
denied       update    update-waits    0      closed   update-waits    none                go-on   update-sent     1
denied       all       uncertain       0      denied   waits           crm-denied          wait    delivered       1
lost         lookup    retrying        0      closed   waits           none                wait    delivered       1
lost         capture   retrying        0      closed   waits           none                wait    delivered       1
lost         post      uncertain       0      closed   waits           none                go-on   delivered       1
lost         verify    uncertain       0      closed   waits           none                go-on   delivered       1
lost         update    update-waits    0      closed   update-waits    none                go-on   update-sent     1
lost         all       uncertain       0      closed   waits           crm-unavailable     wait    delivered       1
done         capture   retrying        0      closed   waits           none                wait    delivered       1
done         post      uncertain       0      closed   delivered       none                go-on   delivered       1
done         update    update-waits    0      closed   update-waits    none                go-on   update-sent     1
done         all       uncertain       0      closed   waits           crm-unavailable     wait    delivered       1
unreachable  lookup    retrying        0      closed   waits           none                wait    delivered       1
unreachable  capture   retrying        0      closed   waits           none                wait    delivered       1
unreachable  post      retrying        0      closed   waits           none                go-on   delivered       1
unreachable  verify    uncertain       0      closed   waits           none                go-on   delivered       1
unreachable  update    update-waits    0      closed   update-waits    none                go-on   update-sent     1
unreachable  all       uncertain       0      closed   waits           crm-unavailable     wait    delivered       1
`;

type Row = Readonly<Record<string, string>>;

function readTable(text: string): readonly Row[] {
  const [head = [], ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.split(/ +/));
  return lines.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i] ?? ''])));
}

const ROWS = readTable(TABLE);
const rowOf = (cls: Class, position: Position): Row | undefined =>
  ROWS.find((row) => row.class === cls && row.position === position);

const CLASSES: readonly Class[] = ['accepted', 'rejected', 'rate', 'denied', 'lost', 'done', 'unreachable'];
const END: ReadonlySet<string> = new Set(['delivered', 'parked', 'update-sent', 'update-dropped']);

async function whileItLasts(lab: Lab): Promise<Row> {
  await lab.pass(4 * MINUTE);
  const others = (await lab.other()) ? 'go-on' : 'wait';
  const state = lab.standing();
  return {
    later: END.has(state) || state === 'update-waits' ? state : 'waits',
    alarm: lab.alarms().join() || 'none',
    others,
  };
}

/** The story of one call: the fault comes, lasts (told for the first fault of a class), and goes. */
async function observe(position: Position, trouble: Trouble, lasting: boolean): Promise<Row> {
  const lab = await openLab(position, trouble);
  try {
    await lab.firstTry();
    const first = { first: lab.standing(), burnt: String(lab.attempts()), circuit: await lab.circuit() };
    const later = lasting ? await whileItLasts(lab) : {};
    lab.mend();
    // The longest waits: 30 min between two tries, 15 min between two probes.
    await lab.pass(45 * MINUTE, () => END.has(lab.standing()));
    const end = { end: lab.standing(), logged: String(lab.logged()) };
    await lab.replay();
    await lab.pass(2 * MINUTE);
    return { ...first, ...later, ...end, replayed: `${lab.standing()} ${lab.logged()}`, leads: String(lab.created()) };
  } finally {
    await lab.close();
  }
}

function expected(row: Row, position: Position, lasting: boolean): Row {
  const { class: _, position: __, later, alarm, others, ...rest } = row;
  // What is parked is delivered by a replay, and what is delivered is left alone: once in the ledger in any case.
  const replayed = `${position === 'update' ? row.end : 'delivered'} 1`;
  const leads = position === 'capture' ? '1' : '0';
  return { ...rest, ...(lasting ? { later, alarm, others } : {}), replayed, leads } as Row;
}

for (const cls of CLASSES) {
  t.test(`outcomes of ${cls}`, async (t) => {
    for (const position of POSITIONS) {
      const row = rowOf(cls, position);
      if (row === undefined) continue;
      // These two add a circumstance to rows that are played with every fault.
      const one = position === 'all' || position === 'capture';
      for (const trouble of FAULTS[cls].slice(0, one ? 1 : amount(4, FAULTS[cls].length))) {
        const lasting = trouble === FAULTS[cls][0];
        const seen = await observe(position, trouble, lasting);
        t.same(seen, expected(row, position, lasting), `${position}: ${JSON.stringify(trouble)}`);
      }
    }
  });
}

/**
 * What goes on for ever for one call, while the others go through: how it ends, and after how many minutes. README.md tells
 * these times.
 */
const ALONE: readonly (readonly [Position, end: string, from: number, to: number, reason: RegExp])[] = [
  ['lookup', 'parked', 20, 60, /^Given up after 10 lookups: .*Remove the cause, then replay\.$/],
  ['post', 'parked', 30, 90, /^Given up after 10 attempts: /],
  ['verify', 'parked', 20, 90, /could not be asked in 10 attempts .*; a replay asks again\.$/],
  ['update', 'update-dropped', 20, 60, /^Late facts not sent, given up after 10 attempts: /],
];

t.test('a fault of one call alone ends, and no other call waits', async (t) => {
  for (const [position, end, from, to, reason] of ALONE) {
    for (const trouble of [FAULTS.lost[0], FAULTS.lost[9]]) {
      const lab = await openLab(position, trouble ?? { kind: 'timeout' });
      const minutes = await lab.alone((state) => END.has(state) && (position !== 'update' || state !== 'update-waits'));
      const name = `${position}: ${JSON.stringify(trouble)}`;
      t.equal(lab.standing(), end, name);
      t.ok(minutes >= from && minutes <= to, `${name}: ${minutes} minutes`);
      t.match(lab.reason(), reason, name);
      t.same(lab.alarms(), [], `${name}: no alarm`);
      await lab.close();
    }
  }
});

t.test('every kind of fault has its row', async (t) => {
  const played = new Set(Object.values(FAULTS).flatMap((troubles) => troubles.map(({ kind }) => kind)));
  t.same(
    [...FAULT_KINDS].filter((kind) => !played.has(kind as Fault['kind'])),
    [],
  );
  const missing = CLASSES.flatMap((cls) => POSITIONS.filter((position) => rowOf(cls, position) === undefined));
  t.same(missing, ['lookup', 'verify'], 'only the reads that were carried out');
  t.equal(ROWS.length, CLASSES.length * POSITIONS.length - missing.length, 'no row twice');
});

/** How the line of README.md begins that tells of a class. */
const TOLD: Readonly<Record<Class, string>> = {
  accepted: 'accepts',
  rejected: 'rejects',
  rate: 'limits the rate',
  denied: 'refuses the account',
  lost: 'gives no clear reply',
  done: 'gives no clear reply',
  unreachable: 'cannot be reached',
};

t.test('README.md tells each class, with the state of a post and the alarm', async (t) => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const section = readme.split(/^#+ What happens when LeadSquared \.\.\.$/m)[1]?.split(/^#/m)[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  for (const cls of CLASSES) {
    const line = lines.filter((one) => one.startsWith(`| ${TOLD[cls]}`)).join('\n');
    t.not(line, '', `${cls}: a line that begins with "${TOLD[cls]}"`);
    const { first = '', end = '' } = rowOf(cls, 'post') ?? {};
    const alarms = ROWS.filter((row) => row.class === cls && row.alarm !== 'none').map(({ alarm }) => alarm ?? '');
    const words = new Set([...(first === 'resolving' ? [] : [first]), ...(end === 'parked' ? [end] : []), ...alarms]);
    for (const word of words) t.ok(line.includes(`\`${word}\``), `${cls}: ${word}`);
  }
  for (const [, , from, to] of ALONE) t.ok(section.includes(`${from} to ${to} minutes`), `${from} to ${to} minutes`);
  const { retry, verifyAfterMs } = DEFAULT_POLICY;
  t.match(section, `${verifyAfterMs / 1000} s`);
  t.match(section, `${retry.maxAttempts} attempts`);
});
