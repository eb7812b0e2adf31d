/** Late facts after a restart: recordings and repeated ends of calls that were over before it. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import t, { type Test } from 'tap';
import { createClock } from '../adapters/host/clock.ts';
import { sqliteJournal } from '../adapters/sqlite/journal/port.ts';
import { openDatabase } from '../adapters/sqlite/thread/database.ts';
import { DEFAULT_RULES } from '../src/call/correlate.ts';
import type { CallRecord } from '../src/call/record.ts';
import { createPipeline } from '../src/pipeline.ts';
import type { CallEvent } from '../src/telephony/call-event.ts';
import { tempFolder } from './adapters/sqlite/support.ts';
import { facts } from './support/facts.ts';
import { handSource } from './support/hand-source.ts';
import { labPlan } from './support/recordings.ts';
import type { Told } from './support/told.ts';

const clock = createClock();
const read = (raw: Uint8Array): readonly CallEvent[] => JSON.parse(Buffer.from(raw).toString()) as CallEvent[];
const MINUTE = 60_000;

/** One life of the daemon on a database. `ago`: how long before now things are said, ms. */
async function life(path: string) {
  const database = await openDatabase(path);
  const stored: CallRecord[] = [];
  let tell = () => {};
  const { source, emit } = handSource(() => ({ state: 'lost', since: 0, lastFrameAt: null }));
  const pipeline = createPipeline({
    sources: [{ source, plan: labPlan('asterisk') }],
    rules: { ...DEFAULT_RULES, graceMs: 0 },
    clock,
    journal: sqliteJournal(database, { clock, readerOf: () => read }),
    onStored(ended, inserted, changed) {
      const ids = new Set([...inserted, ...changed]);
      stored.push(...ended.filter(({ callSessionId }) => ids.has(callSessionId)));
      tell();
    },
    onRefused: () => false,
    onStatus: () => {},
    onFault: (_source, text) => {
      throw new Error(text);
    },
  });
  await pipeline.start();
  const say = (ago: number, ...told: readonly Told[]): void => {
    for (const one of told) {
      const receivedAt = clock.now() - ago;
      const event = { ...one, source: 'pbx', at: receivedAt, receivedAt } as CallEvent;
      emit({ source: 'pbx', receivedAt, events: [event], raw: Buffer.from(JSON.stringify([event])) });
    }
  };
  return {
    ...{ pipeline, stored, say },
    /** Resolves when so many calls are stored. */
    until: (count: number) =>
      new Promise<void>((resolve) => {
        tell = () => stored.length >= count && resolve();
        tell();
      }),
    async end(): Promise<void> {
      await pipeline.stop();
      await database.close();
    },
  };
}

const clearing = { q850: 16, sip: null, text: null };
const called = facts('PJSIP/1001', 'a', { initiator: 'pbx', dialled: null });
const recording = (channel: string, file: string): Told => ({ kind: 'recording', channel, file });
const ended = (channel: string): Told => ({ kind: 'cleared', channel, clearing });
const history = { createdAt: 1, answeredAt: null, bridge: null, bridgedAt: null };
const talk: readonly Told[] = [
  { kind: 'channel-created', channel: 'a', facts: facts('PJSIP/trunk-in', 'a') },
  { kind: 'channel-created', channel: 'b', facts: called },
  { kind: 'answered', channel: 'b' },
  { kind: 'bridge-entered', channel: 'b', bridge: 'x', bridgeKind: 'talk' },
  { kind: 'bridge-entered', channel: 'a', bridge: 'x', bridgeKind: 'talk' },
];

/** A database in which the call `a`, of the channels `a` and `b`, ended so long ago; `open` goes on. */
async function afterCall(t: Test, ago: number): Promise<string> {
  const path = join(tempFolder(t), 'x.db');
  const before = await life(path);
  before.say(ago, ...talk, ended('b'), ended('a'));
  before.say(Math.min(ago, 1000), { kind: 'channel-created', channel: 'open', facts: facts('PJSIP/trunk-in', 'open') });
  await before.until(1);
  await before.end();
  return path;
}

t.test('a recording that is named after a restart completes the record that is stored', async (t) => {
  const path = await afterCall(t, MINUTE);
  const db = new BetterSqlite3(path);
  // Corrected meanwhile: what the present rules would make of the call is of no account.
  db.prepare("UPDATE session SET json = json_set(json, '$.agent', '1009')").run();
  db.close();
  const after = await life(path);
  after.say(0, recording('b', '/rec/one.wav'));
  await after.until(1);
  t.match(after.stored, [{ callSessionId: 'pbx-a', agent: '1009', recordings: ['/rec/one.wav'], durationSeconds: 0 }]);
  after.say(0, recording('a', '/rec/two.wav'));
  await after.until(2);
  t.strictSame(after.stored[1]?.recordings, ['/rec/one.wav', '/rec/two.wav']);
  t.equal(after.pipeline.openChannels(), 1, 'the other call goes on');
  await after.end();
});

t.test('an end that is told again after a restart makes no other call', async (t) => {
  const path = await afterCall(t, MINUTE);
  const after = await life(path);
  after.say(0, { kind: 'cleared', channel: 'b', clearing, history: { facts: called, ...history } });
  t.equal(after.pipeline.openChannels(), 1);
  after.say(0, ended('open'));
  await after.until(1);
  t.same(
    after.stored.map(({ callSessionId }) => callSessionId),
    ['pbx-open'],
  );
  await after.end();
});

t.test('of calls that ended long ago nothing is read again', async (t) => {
  const path = await afterCall(t, 20 * MINUTE);
  const after = await life(path);
  after.say(0, recording('b', '/rec/one.wav'), ended('open'));
  await after.until(1);
  t.same(
    after.stored.map(({ callSessionId }) => callSessionId),
    ['pbx-open'],
  );
  await after.end();
});
