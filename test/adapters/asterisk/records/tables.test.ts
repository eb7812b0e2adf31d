/** Rows of both tables together: what cannot be used, zones, and which table is followed. */
import t from 'tap';
import { type RawTables, tableEvents } from '../../../../adapters/asterisk/records/tables.ts';
import { callsOfCdr } from '../../../../src/call/cdr/calls.ts';
import { DEFAULT_RULES } from '../../../../src/call/correlate.ts';
import type { CallEvent } from '../../../../src/telephony/call-event.ts';
import { labPlan } from '../../../support/recordings.ts';

type Row = Readonly<Record<string, string>>;

const BORN = Date.UTC(2026, 9, 24, 23, 59, 0) / 1000;

/** A time as a clock shows it that is `offset` hours ahead of UTC, `after` seconds after the birth. */
const written = (after: number, offset = 2) =>
  new Date((BORN + after + offset * 3600) * 1000).toISOString().slice(0, 19).replace('T', ' ');

const cel = (eventtype: string, after: number, more: Row = {}): Row => ({
  eventtype,
  eventtime: written(after),
  channame: 'PJSIP/trunk-in-00000000',
  cid_num: '+919845012345',
  context: 'from-trunk',
  exten: '+918041110001',
  uniqueid: `${BORN}.0`,
  linkedid: `${BORN}.0`,
  appname: '',
  extra: '',
  ...more,
});
const phone = (more: Row = {}): Row => ({
  channame: 'PJSIP/1001-00000001',
  cid_num: '1001',
  context: 'from-internal',
  exten: 's',
  uniqueid: `${BORN}.1`,
  ...more,
});
const IN_BRIDGE = { extra: '{"bridge_id":"b","bridge_technology":"simple_bridge"}' };
const GONE = { extra: '{"hangupcause":16,"hangupsource":"PJSIP/1001-00000001","dialstatus":"ANSWER"}' };

const BEGUN = [
  cel('CHAN_START', 0),
  cel('CHAN_START', 1, phone()),
  cel('ANSWER', 3, phone({ appname: 'AppDial' })),
  cel('BRIDGE_ENTER', 3, phone(IN_BRIDGE)),
  cel('BRIDGE_ENTER', 3, IN_BRIDGE),
];
const ANSWERED = [
  ...BEGUN,
  cel('BRIDGE_EXIT', 9, IN_BRIDGE),
  cel('HANGUP', 9, GONE),
  cel('BRIDGE_EXIT', 9, phone(IN_BRIDGE)),
  cel('HANGUP', 9, phone(GONE)),
];

const cdr = (more: Row = {}): Row => ({
  calldate: written(0),
  src: '+919845012345',
  dst: '1001',
  dcontext: 'dids',
  channel: 'PJSIP/trunk-in-00000000',
  dstchannel: 'PJSIP/1001-00000001',
  lastapp: 'Dial',
  lastdata: 'PJSIP/1001,30',
  duration: '9',
  billsec: '6',
  disposition: 'ANSWERED',
  uniqueid: `${BORN}.0`,
  linkedid: `${BORN}.0`,
  did: '+918041110001',
  sequence: '1',
  ...more,
});

const read = (tables: Partial<RawTables>) => tableEvents({ cdr: [], cel: [], ...tables }, 'pbx');
const calls = (events: readonly CallEvent[]) =>
  callsOfCdr(events, 'pbx', labPlan('asterisk'), DEFAULT_RULES).map(({ record }) => record);
const ANSWERED_CALL = {
  direction: 'Inbound',
  status: 'Answered',
  externalE164: '+919845012345',
  did: '+918041110001',
  agent: '1001',
};

t.test('either table tells the call, and both tell one', async (t) => {
  for (const tables of [{ cel: ANSWERED }, { cdr: [cdr()] }, { cel: ANSWERED, cdr: [cdr()] }]) {
    const { events, skipped } = read(tables);
    t.same(skipped, []);
    const told = calls(events);
    t.equal(told.length, 1);
    t.match(told[0], ANSWERED_CALL);
    t.ok(Math.abs((told[0]?.endedAt ?? 0) - (BORN + 9) * 1000) <= 1500);
  }
});

t.test('a row that cannot be used is left out, counted, and told without numbers', async (t) => {
  const wrong = [
    cdr({ calldate: '0000-00-00 00:00:00' }),
    cdr({ disposition: '+919845012345' }),
    cdr({ duration: '' }),
    cdr({ uniqueid: '' }),
    {},
  ];
  const { events, skipped } = read({ cdr: [...wrong, cdr()], cel: [{ ...ANSWERED[0], eventtime: 'x' } as Row] });
  t.match(calls(events), [ANSWERED_CALL]);
  t.same(
    skipped.map(({ count }) => count),
    [5, 1],
  );
  t.match(skipped[0]?.why, new RegExp(`^table cdr, uniqueid ${BORN}.0: column calldate is not a time like`));
  t.match(skipped[1]?.why, /^table cel, uniqueid .*: column eventtime is not a time like/);
  for (const row of wrong) t.notMatch(read({ cdr: [row] }).skipped[0]?.why ?? '', /98450/);
  t.match(read({ cdr: [cdr({ uniqueid: 'Asha Rao' })] }).skipped[0]?.why, /^table cdr: column uniqueid is not an id/);
});

t.test('a zone that no row tells is said once', async (t) => {
  const { events, skipped } = read({ cdr: [cdr({ calldate: '2026-10-25 02:07:00' })] });
  t.same(events, []);
  t.match(skipped, [{ count: 1, why: /^table cdr, uniqueid .*: the time zone cannot be told/ }]);
  t.same(read({}), { events: [], skipped: [] }, 'no rows say nothing');
});

t.test('each table may have a zone of its own', async (t) => {
  const local = read({ cel: ANSWERED, cdr: [cdr({ calldate: written(0, 0) })] });
  t.match(calls(local.events), [ANSWERED_CALL]);
});

t.test('a call that goes on while clocks are put back, or forward', async (t) => {
  // After 50 minutes the clock shows ten minutes less than at the beginning.
  const later = (eventtime: string) =>
    ANSWERED.map((row) => ((row.eventtime ?? '') >= written(9) ? { ...row, eventtime } : row));
  const back = calls(read({ cel: later(written(3000, 1)) }).events);
  t.equal(Math.round(((back[0]?.endedAt ?? 0) / 1000 - BORN) / 60), 50, 'no other call tells');
  const shifted = (row: Row): Row => ({
    ...row,
    uniqueid: `${BORN + 1800}.${(row.uniqueid ?? '').split('.')[1]}7`,
    linkedid: `${BORN + 1800}.07`,
    eventtime: written(1800, 3),
  });
  const forward = calls(read({ cel: [...later(written(1800, 3)), shifted(cel('CHAN_START', 0))] }).events);
  t.equal(Math.round(((forward[0]?.endedAt ?? 0) / 1000 - BORN) / 60), 30, 'the next call tells');
});

t.test('a call that goes on is not told; one that a restart cut off ended after the last row before it', async (t) => {
  t.same(calls(read({ cel: BEGUN }).events), []);
  const next = { uniqueid: `${BORN + 60}.0`, linkedid: `${BORN + 60}.0`, channame: 'PJSIP/trunk-in-00000000' };
  const other = { uniqueid: `${BORN + 20}.9`, linkedid: `${BORN + 20}.9`, channame: 'PJSIP/trunk-in-00000007' };
  const cut = [
    ...BEGUN,
    cel('CHAN_START', 20, other),
    cel('HANGUP', 25, other),
    cel('CHAN_START', 60, next),
    cel('HANGUP', 62, next),
  ];
  const [call] = calls(read({ cel: cut }).events).filter(({ status }) => status === 'Answered');
  t.match(call, { ...ANSWERED_CALL, flags: ['end-unknown'] });
  t.equal(Math.floor((call?.endedAt ?? 0) / 1000 - BORN), 25);
});

/** An answered call of other channels: `first` the counter of its first one, before it in its ids `prefix`, times in seconds after the birth. */
const another = (
  rows: readonly Row[],
  { first, from, prefix = '' }: { first: number; from: number; prefix?: string },
): Row[] => {
  const renamed = (id = '') => `${prefix}${BORN + from}.${first + Number(id.split('.')[1])}`;
  const later = (time = '') => new Date(Date.parse(`${time.replace(' ', 'T')}Z`) + from * 1000);
  return rows.map((row) => ({
    ...row,
    uniqueid: renamed(row.uniqueid),
    linkedid: renamed(row.linkedid),
    channame: (row.channame ?? '').replace(/\d+$/, `${first}`),
    eventtime: later(row.eventtime).toISOString().slice(0, 19).replace('T', ' '),
    extra: (row.extra ?? '').replace('"b"', `"${prefix}${first}"`).replace(/1001-\d+/, `1001-${first}`),
  }));
};
const byTime = (rows: readonly Row[]) => rows.toSorted((a, b) => ((a.eventtime ?? '') < (b.eventtime ?? '') ? -1 : 1));
const talks = (rows: readonly Row[]) =>
  calls(read({ cel: byTime(rows) }).events).map(({ status, durationSeconds, flags }) => ({
    status,
    durationSeconds,
    flags,
  }));
const WHOLE = { status: 'Answered', durationSeconds: 6, flags: [] };

t.test(
  'channels with lower counters while older ones go on are no restart: another PBX, or a clock that was set back',
  async (t) => {
    const theirs = another(ANSWERED, { first: 120, from: 2 });
    t.strictSame(
      talks([...another(ANSWERED, { first: 90_034, from: 0 }), ...theirs]),
      [WHOLE, WHOLE],
      'two in one table',
    );
    const rows = [...another(ANSWERED, { first: 100, from: 4 }), ...another(ANSWERED, { first: 102, from: 0 })];
    t.strictSame(talks(rows), [WHOLE, WHOLE], 'the later one was made before the clock was set back');
    const ends = another(ANSWERED, { first: 120, from: 9 });
    t.strictSame(
      talks([...another(ANSWERED, { first: 90_034, from: 0 }), ...ends]),
      [WHOLE, WHOLE],
      'in the second of its end',
    );
    const goesOn = another(BEGUN, { first: 90_030, from: 0 });
    const beside = another(ANSWERED, { first: 90_034, from: 3 });
    t.strictSame(
      talks([...goesOn, ...beside, ...another(ANSWERED, { first: 120, from: 8 })]),
      [WHOLE, WHOLE],
      'one without an end yet is not cut off: another of its PBX went on',
    );
  },
);

t.test('each systemname counts for itself', async (t) => {
  const [a, b] = ['a-', 'b-'];
  const ours = another(ANSWERED, { first: 500, from: 0, prefix: a });
  const theirs = another(BEGUN, { first: 20, from: 20, prefix: b });
  t.strictSame(
    talks([...ours, ...theirs]),
    [WHOLE],
    'one that goes on is not cut off by the lower counters of another PBX',
  );
  const lasting = another(BEGUN, { first: 9_000, from: 1, prefix: a });
  const goesOn = another([...BEGUN, cel('HANGUP', 90, GONE), cel('HANGUP', 90, phone(GONE))], {
    ...{ first: 9_000, from: 1, prefix: a },
  });
  const anew = another(ANSWERED, { first: 0, from: 60, prefix: b });
  const cut = { status: 'Answered', durationSeconds: 0, flags: ['end-unknown'] };
  t.strictSame(talks([...theirs, ...anew, ...lasting]), [cut, WHOLE], 'a restart ends the calls of its own PBX alone');
  t.match(
    talks([...theirs, ...anew, ...goesOn]),
    [cut, WHOLE, { durationSeconds: 87 }],
    'and those of others do not hide it',
  );
});

t.test('a start of the PBX that was heard ends what no row ends', async (t) => {
  const bootedAt = (BORN + 40) * 1000;
  const boot: CallEvent = {
    source: 'pbx',
    at: bootedAt + 5000,
    receivedAt: 0,
    kind: 'source-connected',
    boot: null,
    bootedAt,
  };
  t.match(calls([...read({ cel: BEGUN }).events, boot]), [{ ...ANSWERED_CALL, flags: ['end-unknown'] }]);
});

t.test('a record that was written over a change of the clock: its seconds are right', async (t) => {
  const told = (more: Row) => calls(read({ cdr: [cdr({ ...more, duration: '3000', billsec: '2990' })] }).events)[0];
  for (const offset of [1, 3]) {
    const call = told({ end: written(3000, offset), answer: written(10) });
    t.equal(Math.floor((call?.endedAt ?? 0) / 1000) - BORN, 3001);
    t.equal(Math.floor((call?.answeredAt ?? 0) / 1000) - BORN, 10);
    const late = told({ end: written(3000, offset), answer: written(10, offset) });
    t.ok(Math.abs((late?.answeredAt ?? 0) / 1000 - BORN - 10) <= 1.5, 'the clock was set before the answer');
  }
});

t.test('CEL that does not speak of connections leaves the call to its CDR', async (t) => {
  const dumb = ANSWERED.map((row) => ({ ...row, extra: '' }));
  t.match(calls(read({ cel: dumb, cdr: [cdr()] }).events), [ANSWERED_CALL]);
});

t.test('a row of the dialplan names a recording', async (t) => {
  const named = { userdeftype: 'CallRecording', extra: '{"extra":"2026/10/a \\"b\\".wav"}' };
  for (const row of [
    cel('USER_DEFINED', 5, named),
    cel('CallRecording', 5, { extra: named.extra }),
    cel('APP_START', 5, { appname: 'MixMonitor', appdata: '2026/10/a "b".wav,b' }),
  ]) {
    const told = calls(read({ cel: [...ANSWERED.slice(0, 5), row, ...ANSWERED.slice(5)] }).events);
    t.match(told[0], { recording: '2026/10/a "b".wav' });
  }
});

t.test('the dialplan refuses a call with a busy tone: nobody hung up', async (t) => {
  const busy = { extra: '{"hangupcause":17,"hangupsource":"PJSIP/trunk-in-00000000","dialstatus":"BUSY"}' };
  const rows = [
    cel('CHAN_START', 0),
    cel('CHAN_START', 1, phone()),
    cel('HANGUP', 2, phone(busy)),
    cel('HANGUP', 2, busy),
  ];
  t.match(calls(read({ cel: rows }).events), [{ status: 'Busy', direction: 'Inbound' }]);
});
