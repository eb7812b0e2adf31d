/** Ends that nobody heard: they lie between the last sign of life and the first proof that the channel was over. */
import t from 'tap';
import { normalise } from '../../../adapters/asterisk/events/normalise.ts';
import { parsePacketText } from '../../../adapters/asterisk/link/packet.ts';
import { CallTable, DEFAULT_RULES } from '../../../src/call/correlate.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { facts } from '../../support/facts.ts';
import { answers, calls, ends, meet, on, planWith, rings, START } from '../../support/told.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const lost = (ms: number, heard = ms): CallEvent => ({
  ...on(ms, { kind: 'source-lost', orderly: false, reason: 'gone' }),
  at: START + heard,
});
const connected = (ms: number, bootedAt: number | null = null): CallEvent =>
  on(ms, { kind: 'source-connected', boot: null, bootedAt: bootedAt === null ? null : START + bootedAt });
const complete = (ms: number): CallEvent => on(ms, { kind: 'snapshot-complete' });
const row = (ms: number, channel: string): CallEvent =>
  on(ms, {
    ...{ kind: 'snapshot-channel', channel, facts: facts('PJSIP/trunk-in', channel), createdAt: START },
    ...{ answered: true, answeredAt: null, bridge: null },
  });

/** A customer calls at 0 and talks with 1001 from one second on. */
const talking = (id = 'c'): CallEvent[] => [
  ...calls(0, id, 'PJSIP/carrier'),
  ...rings(100, `${id}-phone`, 'PJSIP/1001', id),
  ...answers(1000, id, `${id}-phone`),
  ...meet(1000, `${id}-bridge`, `${id}-phone`, id),
];

function fold(events: readonly CallEvent[], until = DAY - 1): readonly CallRecord[] {
  const table = new CallTable('pbx', planWith(), DEFAULT_RULES);
  const ended = events.flatMap((event) => table.apply(event).ended);
  return [...ended, ...table.advance(START + until).ended];
}

const between = (from: number, to: number | null) => ({ from: START + from, to: to === null ? null : START + to });

t.test('a login whose list never came proves nothing: the end is before the first loss', async (t) => {
  const logins = [10, 60, 130].flatMap((s) => [connected(s * 1000), lost(s * 1000 + 500)]);
  const events = [...talking(), lost(1300), ...logins, connected(140_000), complete(141_000)];
  const [record] = fold(events);
  t.match(record, { endedAt: START + 1300, endBetween: between(1300, 141_000), durationSeconds: 0 });
  t.strictSame(record?.flags, ['blind-interval', 'end-unknown']);
});

t.test('nor does one whose list was not completed, beyond the rows that came', async (t) => {
  const again = [connected(10_000), row(11_000, 'c'), lost(90_000), connected(140_000), complete(141_000)];
  t.match(fold([...talking(), lost(1300), ...again]), [
    { endedAt: START + 11_000, endBetween: between(11_000, 141_000) },
  ]);
});

t.test('one that was completed does, for whom it listed: until the link was heard last', async (t) => {
  const again = [
    connected(10_000),
    row(11_000, 'c'),
    complete(11_000),
    lost(90_000),
    connected(99_000),
    complete(99_500),
  ];
  const [record] = fold([...talking(), lost(1300), ...again]);
  t.match(record, { endedAt: START + 90_000, endBetween: between(90_000, 99_500) });
});

t.test('a dead link proves that calls lived until it was heard last, not until that was noticed', async (t) => {
  const events = [connected(-1000), ...talking(), lost(20_000, 5700), connected(21_000), complete(22_000)];
  t.match(fold(events), [{ endedAt: START + 5700, endBetween: between(5700, 22_000), durationSeconds: 5 }]);
});

t.test('another process of the PBX: over when that one began', async (t) => {
  const events = [...talking(), lost(6000), connected(60_000, 30_000), complete(60_100)];
  t.match(fold(events), [{ endedAt: START + 6000, endBetween: between(6000, 30_000) }]);
});

t.test('what is heard of for too long has ended after its last sign of life, nobody knows when', async (t) => {
  const [record] = fold(talking(), 2 * DAY);
  t.match(record, { endedAt: START + 1000, endBetween: between(1000, null), flags: ['end-unknown'] });
});

t.test('an end that was heard is no span', async (t) => {
  t.match(fold([...talking(), ...ends(9000, 'c', 'c-phone')]), [
    { endedAt: START + 9000, endBetween: null, flags: [] },
  ]);
});

t.test('days in which nobody listened are no silence: the PBX is asked first', async (t) => {
  const later = 30 * DAY;
  const events = [
    ...talking(),
    lost(later, 2000),
    connected(later + 1000),
    row(later + 2000, 'c'),
    row(later + 2000, 'c-phone'),
  ];
  const table = new CallTable('pbx', planWith(), DEFAULT_RULES);
  const ended = events.flatMap((event) => table.apply(event).ended);
  t.strictSame([...ended, ...table.advance(START + later + 3000).ended], []);
  t.equal(table.openCalls, 1);
});

t.test('days without a link are silence: the call is given up in the end', async (t) => {
  const flapping = Array.from({ length: 60 }, (_, hour) => [
    lost((hour + 1) * HOUR),
    connected((hour + 1) * HOUR + 500),
  ]);
  const [record] = fold([...talking(), ...flapping.flat()], 3 * DAY);
  t.match(record, { endedAt: START + HOUR, endBetween: between(HOUR, null) });
});

/** The same with the clock of the PBX `ahead` of ours. */
const ahead = (events: readonly CallEvent[], by: number): CallEvent[] =>
  events.map((event) => ({ ...event, at: event.at + by }));

t.test('a PBX whose clock is two hours off: ends are told on its clock, and no restart is seen', async (t) => {
  for (const by of [-2 * HOUR, 2 * HOUR]) {
    const gap = [lost(60_000, 5000), connected(61_000, -HOUR), complete(62_000)];
    const [record] = fold([...ahead(talking(), by), ...gap]);
    t.match(record, { endedAt: START + by + 5000, durationSeconds: 4, endBetween: between(by + 5000, by + 62_000) });
    const lives = [connected(61_000, -HOUR), row(62_000, 'c'), row(62_000, 'c-phone'), complete(62_000)];
    const heard = [...ahead(talking(), by), lost(60_000, 5000), ...lives, ...ahead(ends(70_000, 'c', 'c-phone'), by)];
    t.match(fold(heard), [{ durationSeconds: 69, endBetween: null }], `ahead by ${by}`);
  }
});

/** A row of a list of Asterisk: `seconds` old, by an id of a clock that is `by` ms ahead. */
function listed(ms: number, by: number, seconds: number): readonly CallEvent[] {
  const id = `${Math.floor((START + by + ms) / 1000) - seconds}.7`;
  const lines = ['Event: Status', 'Channel: PJSIP/carrier-00000001', 'ChannelStateDesc: Up', `Uniqueid: ${id}`];
  const more = [`Linkedid: ${id}`, `Seconds: ${seconds}`, 'CallerIDNum: +919845012345', 'DNID: +918041110001'];
  const packet = parsePacketText(Buffer.from(`${[...lines, ...more].join('\r\n')}\r\n\r\n`));
  return packet === null ? [] : normalise(packet, 'pbx', START + ms);
}

t.test('a call that was met in a list, of a PBX whose clock is two hours off: its length is right', async (t) => {
  for (const by of [-2 * HOUR, 2 * HOUR]) {
    for (const own of [false, true]) {
      const rows = listed(10_000, by, 5);
      const channel = rows.flatMap((event) => ('channel' in event ? event.channel : []))[0] ?? '';
      const end = ends(20_000, channel);
      const [record] = fold([connected(9000), ...rows, complete(10_000), ...(own ? ahead(end, by) : end)]);
      const seconds = ((record?.endedAt ?? 0) - (record?.startedAt ?? 0)) / 1000;
      t.ok(seconds > 14 && seconds < 16.5, `${seconds} s, ahead by ${by}, times of its own: ${own}`);
      t.equal(record?.endedAt, START + 20_000 + (own ? by : 0));
      t.notOk(record?.flags.includes('clock-stepped'));
    }
  }
});

t.test(
  'the life of a channel that is told at its end is by the clock that was set meanwhile: its length is right',
  async (t) => {
    const by = HOUR;
    const told = { facts: facts('PJSIP/trunk-in', 'c'), createdAt: START, answeredAt: START + 1000, bridge: null };
    const end = { q850: 16, sip: null, text: null };
    const [record] = fold([
      connected(9000),
      ...ahead([row(10_000, 'c')], 5),
      complete(10_100),
      on(12_000, { kind: 'clock-stepped', clock: 'pbx', by }),
      ...ahead(
        [on(20_000, { kind: 'cleared', channel: 'c', clearing: end, history: { ...told, bridgedAt: null } })],
        by,
      ),
    ]);
    t.equal((record?.endedAt ?? 0) - (record?.startedAt ?? 0), 20_000);
    t.ok(record?.flags.includes('clock-stepped'));
  },
);

/** An agent calls in and stays on the line, in a holding bridge as AgentLogin has it. */
const login = [...calls(0, 'a', 'PJSIP/1001', { dialled: '*22' }), ...answers(100, 'a')];
/** A customer who is connected with that agent. */
const customer = (ms: number): CallEvent[] => [
  ...calls(ms, 'x', 'PJSIP/carrier'),
  ...answers(ms + 100, 'x'),
  ...meet(ms + 1000, 'x-bridge', 'a', 'x'),
  ...ends(ms + 61_000, 'x'),
];

t.test('before a silent call is given up the PBX is asked, and who is in its list is not silent', async (t) => {
  const table = new CallTable('pbx', planWith(), DEFAULT_RULES);
  for (const event of login) table.apply(event);
  table.advance(START + DAY - 700_000);
  t.equal(table.asking, false);
  const at = START + DAY - 599_000;
  t.strictSame(table.advance(at).ended, []);
  t.ok(table.asking);
  table.asking = false;
  const listed = { createdAt: START, answered: true, answeredAt: null, bridge: null };
  table.apply({
    ...on(at - START + 100, { kind: 'snapshot-channel', channel: 'a', facts: facts('PJSIP/1001', 'a'), ...listed }),
  });
  t.strictSame(table.advance(START + DAY + HOUR).ended, []);
  const records = customer(DAY + 2 * HOUR).flatMap((event) => table.apply(event).ended);
  records.push(...table.advance(START + DAY + 3 * HOUR).ended);
  t.match(records, [{ direction: 'Inbound', status: 'Answered', agent: '1001', durationSeconds: 60 }]);
  t.notOk(table.asking);
  table.advance(START + 2 * DAY + 2 * HOUR);
  t.ok(table.asking, 'the next silence is asked about, too');
});

for (const [sign, before] of [
  ['an event', []],
  [
    'a listed row',
    [
      on(DAY + HOUR, {
        ...{ kind: 'snapshot-channel', channel: 'a', facts: facts('PJSIP/1001', 'a'), createdAt: START },
        ...{ answered: true, answeredAt: null, bridge: null },
      }),
    ],
  ],
] as const) {
  t.test(`one that was given up goes on when ${sign} shows it`, async (t) => {
    const events = [...login, ...before, ...customer(DAY + 2 * HOUR)];
    const records = fold(events, DAY + 3 * HOUR);
    t.match(records, [
      { direction: 'Internal', agent: '1001', flags: ['end-unknown'] },
      { direction: 'Inbound', status: 'Answered', agent: '1001', durationSeconds: 60, callSessionId: 'pbx-x' },
    ]);
    t.equal(records.length, 2);
  });
}

t.test('one that was given up and is told to have ended does not go on', async (t) => {
  const records = fold([...login, ...ends(DAY + HOUR, 'a'), ...customer(DAY + 2 * HOUR)], DAY + 3 * HOUR);
  t.match(records, [{ direction: 'Internal' }, { direction: 'Inbound', status: 'Missed' }]);
});

t.test('what came over an agent before a call began is no doubt about it', async (t) => {
  const back = [
    connected(20_000),
    on(21_000, {
      ...{ kind: 'snapshot-channel', channel: 'a', facts: facts('PJSIP/1001', 'a'), createdAt: START },
      ...{ answered: true, answeredAt: null, bridge: null },
    }),
    complete(22_000),
  ];
  const stepped = on(30_000, { kind: 'clock-stepped', clock: 'ours', by: 5000 });
  const last = (...events: CallEvent[]) => fold([...login, ...events], HOUR).at(-1)?.flags;
  t.strictSame(last(lost(10_000), ...back, stepped, ...customer(60_000)), []);
  t.strictSame(last(...back, ...customer(60_000)), [], 'found in a list');
  t.strictSame(last(lost(10_000), connected(20_000), ...customer(60_000)), ['blind-interval'], 'before a list has him');
  const during = [lost(70_000), connected(80_000), row(81_000, 'x'), complete(82_000)];
  const begun = customer(60_000);
  const flags = last(...begun.slice(0, -1), ...during, ...begun.slice(-1));
  t.strictSame(flags, ['blind-interval'], 'during the call');
});
