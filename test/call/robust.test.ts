/** Clocks that are wrong, agents who never log out, events and calls that cannot be handled: the other calls come right. */
import t from 'tap';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { OnFault } from '../../src/call/live/ending.ts';
import type { SourcePlan } from '../../src/call/plan.ts';
import type { CallRecord } from '../../src/call/record.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { facts } from '../support/facts.ts';
import { labPlan } from '../support/recordings.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Told = CallEvent extends infer E ? (E extends CallEvent ? Omit<E, 'source' | 'at' | 'receivedAt'> : never) : never;

/** A PBX whose clock is ahead of ours by `ahead` ms. Times are ms from the start, on our clock. */
function bench(options: { ahead?: number; plan?: SourcePlan; onFault?: OnFault } = {}) {
  const { ahead = 0, plan = labPlan('asterisk'), onFault } = options;
  const table = new CallTable('pbx', plan, DEFAULT_RULES, onFault);
  const ended: CallRecord[] = [];
  const hear = (ms: number, told: Told, at = ms + ahead): void => {
    const event = { ...told, source: 'pbx', at: START + at, receivedAt: START + ms } as CallEvent;
    ended.push(...table.apply(event).ended);
  };
  const clearing = { q850: 16, sip: null, text: null };
  return {
    ...{ table, ended, hear },
    /** A caller talks with 1001 from one second on. */
    talk(id: string, ms: number): void {
      hear(ms, { kind: 'channel-created', channel: id, facts: facts('PJSIP/trunk-in', id) });
      const called = facts('PJSIP/1001', id, { initiator: 'pbx', dialled: null });
      hear(ms, { kind: 'channel-created', channel: `${id}-phone`, facts: called });
      hear(ms + 1000, { kind: 'answered', channel: `${id}-phone` });
      for (const channel of [`${id}-phone`, id]) {
        hear(ms + 1000, { kind: 'bridge-entered', channel, bridge: `${id}-bridge`, bridgeKind: 'talk' });
      }
    },
    clear(ms: number, ...channels: readonly string[]): void {
      for (const channel of channels) hear(ms, { kind: 'cleared', channel, clearing });
    },
    wait(ms: number): void {
      ended.push(...table.advance(START + ms).ended);
    },
  };
}

t.test('our clock is set back while a call is in its grace: it is reported all the same', async (t) => {
  const { talk, clear, wait, ended, table } = bench();
  talk('a', 0);
  clear(4000, 'a', 'a-phone');
  wait(-HOUR);
  t.strictSame(ended, []);
  t.equal(table.nextDeadline(), START - HOUR + DEFAULT_RULES.graceMs);
  wait(-HOUR + DEFAULT_RULES.graceMs);
  t.match(ended, [{ callSessionId: 'pbx-a', status: 'Answered', durationSeconds: 3 }]);
});

t.test('the clock of the PBX is two days behind: calls are not too old at their birth', async (t) => {
  const { talk, clear, wait, ended } = bench({ ahead: -2 * DAY });
  talk('a', 0);
  wait(5000);
  t.strictSame(ended, []);
  clear(9000, 'a', 'a-phone');
  wait(MINUTE);
  t.match(ended, [{ status: 'Answered', durationSeconds: 8, flags: [] }]);
});

t.test('a link lost to a PBX with another clock: the end is told on the clock of the PBX', async (t) => {
  for (const ahead of [-3 * HOUR, 3 * HOUR]) {
    const { talk, hear, wait, ended } = bench({ ahead });
    talk('a', 0);
    hear(5000, { kind: 'source-lost', orderly: false, reason: 'closed' }, 5000);
    hear(9000, { kind: 'source-connected', boot: null, bootedAt: START - DAY }, 9000);
    hear(9000, { kind: 'snapshot-complete' }, 9000);
    wait(MINUTE);
    t.match(ended, [{ durationSeconds: 4, flags: ['blind-interval', 'end-unknown'] }], `ahead by ${ahead}`);
  }
});

t.test('restarts while the PBX is away do not make its calls longer', async (t) => {
  const { talk, hear, wait, ended } = bench();
  talk('a', 0);
  hear(5000, { kind: 'source-lost', orderly: false, reason: 'closed' });
  hear(HOUR, { kind: 'source-lost', orderly: true, reason: 'logcalld was not running' }, 5000);
  hear(2 * HOUR, { kind: 'source-lost', orderly: true, reason: 'logcalld was not running' }, HOUR);
  hear(3 * HOUR, { kind: 'source-connected', boot: null, bootedAt: START - DAY });
  hear(3 * HOUR, { kind: 'snapshot-complete' });
  wait(4 * HOUR);
  t.match(ended, [{ durationSeconds: 4, endedAt: START + 5000 }]);
});

t.test('an agent logged in for days: every caller is a call of his own, and none is kept in memory', async (t) => {
  const { hear, clear, wait, ended, table } = bench();
  hear(0, { kind: 'channel-created', channel: 'agent', facts: facts('PJSIP/1001', 'agent', { dialled: '*1' }) });
  hear(0, { kind: 'answered', channel: 'agent' });
  const callers = 60;
  for (let n = 0; n < callers; n += 1) {
    const begin = (n + 1) * HOUR - 30_000;
    const [channel, bridge] = [`caller-${n}`, `bridge-${n}`];
    hear(begin, { kind: 'channel-created', channel, facts: facts('PJSIP/trunk-in', channel) });
    for (const one of ['agent', channel]) {
      hear(begin + 1000, { kind: 'bridge-entered', channel: one, bridge, bridgeKind: 'talk' });
    }
    for (const one of [channel, 'agent']) hear(begin + MINUTE, { kind: 'bridge-left', channel: one, bridge });
    clear(begin + MINUTE, channel);
  }
  wait(callers * HOUR + HOUR);
  t.equal(ended.length, callers);
  for (const record of ended) t.match(record, { status: 'Answered', agent: '1001', durationSeconds: 59, flags: [] });
  t.equal(table.openChannels, 1);
  clear(callers * HOUR + 2 * HOUR, 'agent');
  wait(callers * HOUR + 3 * HOUR);
  t.match(ended.at(-1), { direction: 'Internal', agentsTalked: [] }, 'of callers reported long ago nothing is kept');
  t.equal(table.openChannels, 0);
});

t.test('the next deadline is never later than the true one', async (t) => {
  const { talk, clear, table, ended, wait } = bench();
  for (let n = 0; n < 5; n += 1) talk(`c${n}`, n * 1000);
  for (let n = 0; n < 5; n += 1) {
    clear(10_000 + n * 1000, `c${n}`, `c${n}-phone`);
    t.ok(table.nextDeadline() <= START + 12_000 + n * 1000);
  }
  for (let turns = 0; ended.length < 5 && turns < 20; turns += 1) wait(table.nextDeadline() - START);
  t.equal(ended.length, 5, 'whoever follows it sees every call end');
});

t.test('an event that cannot be folded in and a call that cannot be judged cost only themselves', async (t) => {
  const lab = labPlan('asterisk');
  const broken = (text: string) => ({
    text,
    match(endpoint: string) {
      if (endpoint === text) throw new Error(`cannot read ${text}`);
      return null;
    },
  });
  class Owners extends Map<string, string> {
    override get(did: string): string | undefined {
      if (did.endsWith('0009')) throw new Error('no owner can be told');
      return super.get(did);
    }
  }
  const plan: SourcePlan = {
    ...lab,
    owners: new Owners(lab.owners),
    trunks: [...lab.trunks, { match: [broken('PJSIP/odd')], country: 'IN', format: 'auto', number: null }],
  };
  const faults: string[] = [];
  const { talk, hear, clear, wait, ended, table } = bench({
    plan,
    onFault: (what, error) => faults.push(`${what} ${error}`),
  });
  talk('a', 0);
  hear(10, { kind: 'channel-created', channel: 'odd', facts: facts('PJSIP/odd', 'odd') });
  const unjudged = facts('PJSIP/trunk-in', 'b', { dialled: '+918041110009' });
  hear(20, { kind: 'channel-created', channel: 'b', facts: unjudged });
  clear(5000, 'b', 'odd');
  clear(6000, 'a', 'a-phone');
  wait(MINUTE);
  t.match(ended, [{ callSessionId: 'pbx-a', status: 'Answered' }]);
  t.equal(ended.length, 1);
  t.equal(table.openChannels, 0, 'what could not be judged is not tried again for ever');
  t.match(faults, [/channel-created.*cannot read PJSIP\/odd/, /pbx-b.*no owner can be told/]);
  const bare = new CallTable('pbx', plan, DEFAULT_RULES);
  const odd = facts('PJSIP/odd', 'odd');
  const event = {
    kind: 'channel-created',
    source: 'pbx',
    at: START,
    receivedAt: START,
    channel: 'odd',
    facts: odd,
  } as const;
  t.throws(() => bare.apply(event), /cannot read/, 'offline, where nobody would see a report, it is an error');
});
