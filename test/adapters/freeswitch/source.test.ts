/** What the source makes of lists and dumps: after a (re)connect, and while the link stands. */
import type { Socket } from 'node:net';
import t, { type Test } from 'tap';
import { createFreeswitchSource } from '../../../adapters/freeswitch/source.ts';
import { CallTable, DEFAULT_RULES } from '../../../src/call/correlate.ts';
import type { SourceStatus } from '../../../src/ports.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { labPlan } from '../../support/recordings.ts';
import { apiReply, fakeServer, greet, HandClock, jsonFrame, Seen } from './support.ts';

const epoch = 1_800_000_000_000;
const micros = (ms: number) => String((epoch + ms) * 1000);

/** A trunk channel as FreeSWITCH tells it, in an event or in the answer to `uuid_dump`. */
const told = (name: string, uuid: string, more: object = {}) => ({
  'Event-Name': name,
  'Core-UUID': 'core',
  'Unique-ID': uuid,
  'Channel-Call-UUID': uuid,
  'Channel-Name': 'sofia/external/+919845012345@sip.carrier.lab',
  'Call-Direction': 'inbound',
  'Caller-Caller-ID-Number': '+919845012345',
  'Caller-Destination-Number': '+918041110001',
  'Caller-Channel-Created-Time': micros(-60_000),
  'Caller-Channel-Answered-Time': micros(-50_000),
  'Event-Date-Timestamp': micros(0),
  ...more,
});
const row = (uuid: string) => ({
  uuid,
  direction: 'inbound',
  created_epoch: String(epoch / 1000 - 60),
  name: 'sofia/external/+919845012345@sip.carrier.lab',
  callstate: 'ACTIVE',
  initial_cid_num: '+919845012345',
  initial_dest: '+918041110001',
  call_uuid: uuid,
});
const list = (...uuids: readonly string[]) =>
  apiReply(uuids.length === 0 ? '{"row_count": 0}' : JSON.stringify({ row_count: uuids.length, rows: uuids.map(row) }));
const dump = (uuid: string) => apiReply(JSON.stringify(told('CHANNEL_DATA', uuid)));

interface Bench {
  readonly clock: HandClock;
  readonly events: Seen<CallEvent>;
  readonly warnings: Seen<string>;
  readonly statuses: Seen<SourceStatus>;
  readonly status: () => SourceStatus;
  /** Questions, without the word `api`, of all connections. */
  readonly asked: Seen<string>;
  readonly socket: () => Socket;
  readonly kinds: () => readonly string[];
  /** Sends an event and waits until it is told. */
  say(event: Readonly<Record<string, unknown>>): Promise<void>;
  /** Lets time pass in small steps, so that answers come between them. */
  pass(ms: number): Promise<void>;
}

/** `answer`: the raw reply to a question (without the word `api`), `''` for none. `onEvent` may throw. */
async function bench(
  t: Test,
  answer: (question: string, connection: number) => string,
  onEvent: (event: CallEvent) => void = () => {},
): Promise<Bench> {
  const sockets = new Seen<Socket>();
  const asked = new Seen<string>();
  const server = await fakeServer((socket, nth) => {
    sockets.add(socket);
    greet(
      socket,
      () => {},
      (command) => {
        const question = command.replace(/^api /, '');
        if (!/^(show channels|uuid_dump)/.test(question)) return null;
        asked.add(question);
        return answer(question, nth);
      },
    );
  });
  const clock = new HandClock();
  const events = new Seen<CallEvent>();
  const warnings = new Seen<string>();
  const source = createFreeswitchSource({
    ...{ name: 'fs', host: '127.0.0.1', port: server.port, password: 'x', clock, random: () => 0.5 },
    onWarning: warnings.add,
  });
  const statuses = new Seen<SourceStatus>();
  source.start(({ events: some }) => {
    some.forEach(onEvent);
    some.forEach(events.add);
  }, statuses.add);
  t.teardown(async () => {
    await source.stop();
    await server.close();
  });
  const socket = () => {
    const last = sockets.all.at(-1);
    if (last === undefined) throw new Error('nobody has connected');
    return last;
  };
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(Math.min(500, left));
      for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const say = async (event: Readonly<Record<string, unknown>>) => {
    const before = events.all.length;
    socket().write(jsonFrame(event));
    await events.count(before + 1);
  };
  await statuses.until(({ state }) => state === 'connected');
  const kinds = () => events.all.map(({ kind }) => kind);
  return { clock, events, warnings, statuses, status: () => source.status(), asked, socket, kinds, say, pass };
}

t.test(
  'a list that is not answered is asked for again, and the link made anew only after the third time',
  async (t) => {
    const { asked, events, statuses, status, kinds, pass, socket } = await bench(t, (_question, connection) =>
      connection === 0 ? '' : list(),
    );
    await asked.count(1);
    const beat = setImmediateLoop(() => socket().write(jsonFrame({ 'Event-Name': 'HEARTBEAT' })));
    await pass(40_000);
    beat.stop();
    await events.until(({ kind }) => kind === 'snapshot-complete');
    t.strictSame(kinds().slice(0, 4), ['source-connected', 'source-lost', 'source-connected', 'snapshot-complete']);
    t.match(events.all[1], { reason: /does not answer.*did not list its channels when it was asked 3 times/ });
    t.match(
      statuses.all.flatMap(({ state, problem }) => (state === 'connected' && problem !== null ? [problem] : [])),
      [/"fs" has not listed its live channels, asked once/, /asked 2 times/],
      'told while it is waited for',
    );
    t.match(status(), { state: 'connected', problem: null });
    t.strictSame(
      asked.all.slice(0, 4),
      Array.from({ length: 4 }, () => 'show channels as json'),
    );
  },
);

/** Says something again and again, so that a link is not silent. */
function setImmediateLoop(run: () => void): { stop(): void } {
  let on = true;
  const turn = () => {
    if (!on) return;
    run();
    setImmediate(turn);
  };
  setImmediate(turn);
  return {
    stop: () => {
      on = false;
    },
  };
}

t.test('a dead link was lost when it was heard last, not when that was noticed', async (t) => {
  const { events, pass, say, socket } = await bench(t, () => list());
  await events.until(({ kind }) => kind === 'snapshot-complete');
  await pass(7_000);
  await say(told('CHANNEL_CREATE', 'a'));
  socket().removeAllListeners('data');
  await pass(15_000);
  t.match(
    events.all.find(({ kind }) => kind === 'source-lost'),
    { at: epoch + 7_000, receivedAt: epoch + 21_000 },
  );
});

t.test('a dump that is left out of the answers is asked for again, and complete is told after all', async (t) => {
  let left = 1;
  const { events, asked, kinds } = await bench(t, (question) => {
    if (question.startsWith('show')) return list('a', 'b', 'c');
    const uuid = question.split(' ')[1] ?? '';
    return uuid === 'b' && left-- > 0 ? '' : dump(uuid);
  });
  await events.until(({ kind }) => kind === 'snapshot-complete');
  t.strictSame(kinds(), [
    'source-connected',
    ...Array.from({ length: 3 }, () => 'snapshot-channel'),
    'snapshot-complete',
  ]);
  t.strictSame(
    events.all.flatMap((event) => (event.kind === 'snapshot-channel' ? [event.channel, event.told ?? false] : [])),
    ['a', true, 'c', true, 'b', true],
  );
  t.equal(asked.all.filter((question) => question === 'uuid_dump b json').length, 2);
});

t.test('a channel without a dump is told by its row, and asked for again later', async (t) => {
  let silent = true;
  const { events, kinds, pass, asked } = await bench(t, (question) => {
    if (question.startsWith('show')) return list('a', 'b', 'c');
    const uuid = question.split(' ')[1] ?? '';
    return uuid === 'b' && silent ? '' : dump(uuid);
  });
  await pass(21_000);
  t.strictSame(kinds(), [
    'source-connected',
    ...Array.from({ length: 3 }, () => 'snapshot-channel'),
    'snapshot-complete',
  ]);
  const byRow = events.all.find((event) => event.kind === 'snapshot-channel' && event.channel === 'b');
  t.match(byRow, { told: undefined, answered: true, facts: { caller: { number: '+919845012345' } } });
  silent = false;
  await pass(21_000);
  t.match(events.all.at(-1), { kind: 'snapshot-channel', channel: 'b', answeredAt: epoch - 50_000 });
  t.equal(events.all.length, 6, 'and nothing else is told again');
  const dumps = asked.all.length;
  await pass(60_000);
  t.notOk(asked.all.slice(dumps).some((question) => question.startsWith('uuid_dump')));
});

t.test('a dump on which FreeSWITCH hangs costs some links, not the channel', async (t) => {
  const hung = await bench(t, (question) => {
    if (question.startsWith('show')) return list('a', 'b');
    const uuid = question.split(' ')[1] ?? '';
    if (uuid === 'b') hung.socket().removeAllListeners('data');
    return uuid === 'b' ? '' : dump(uuid);
  });
  const { events, pass, kinds } = hung;
  for (let i = 0; i < 20 && !kinds().includes('snapshot-complete'); i++) await pass(10_000);
  t.ok(kinds().includes('snapshot-complete'));
  t.match(
    events.all.find((event) => event.kind === 'snapshot-channel' && event.channel === 'b'),
    { told: undefined, answered: true },
  );
  await pass(60_000);
  t.equal(kinds().filter((kind) => kind === 'source-lost').length, 4, 'not for ever');
});

t.test('a channel whose end is not told ends within a minute', async (t) => {
  let living: readonly string[] = [];
  const { events, kinds, pass, say } = await bench(t, (question) =>
    question.startsWith('show') ? list(...living) : dump('other'),
  );
  await events.until(({ kind }) => kind === 'snapshot-complete');
  const table = new CallTable('fs', labPlan('freeswitch'), DEFAULT_RULES);
  for (const [listed, within] of [
    [true, 45_000],
    [false, 60_000],
  ] as const) {
    const uuid = listed ? 'a' : 'never-listed';
    await pass(13_000);
    await say(told('CHANNEL_CREATE', uuid));
    living = listed ? ['a', 'other'] : [];
    if (listed) await pass(65_000);
    await say(told('CHANNEL_ANSWER', uuid));
    living = [];
    t.notOk(kinds().includes('vanished') && listed, 'one that is listed lives');
    await pass(within);
    const gone = events.all.find((event) => event.kind === 'vanished' && event.channel === uuid);
    t.ok(gone, `${uuid} is told as gone`);
  }
  const records = events.all.flatMap((event) => table.apply(event).ended);
  const [first] = [...records, ...table.advance(Number.MAX_SAFE_INTEGER).ended];
  t.match(first, { source: 'fs', direction: 'Inbound' });
});

t.test('no list ends what was created after the question, or what one list lacks', async (t) => {
  let living: readonly string[] = [];
  let late: (() => void) | null = null;
  let hold = false;
  const { events, asked, kinds, pass, say, socket } = await bench(t, (question) => {
    if (!question.startsWith('show')) return '';
    if (!hold) return list(...living);
    const answer = list(...living);
    late = () => socket().write(answer);
    return '';
  });
  await events.until(({ kind }) => kind === 'snapshot-complete');
  hold = true;
  const questions = asked.all.length;
  await pass(20_000);
  await asked.count(questions + 1);
  // The question is under way when the channel is created.
  await say(told('CHANNEL_CREATE', 'new'));
  living = ['new'];
  hold = false;
  (late ?? t.fail)();
  await pass(100_000);
  t.notOk(kinds().includes('vanished'));
  // A table that is behind once.
  living = [];
  for (const before = asked.all.length; asked.all.length === before; ) await pass(500);
  living = ['new'];
  await pass(100_000);
  t.notOk(kinds().includes('vanished'));
  t.equal(kinds().filter((kind) => kind === 'snapshot-channel').length, 0, 'what is known is not told again');
});

t.test('what has ended is not told again, whatever the list says', async (t) => {
  const { events, asked, kinds, pass, say } = await bench(t, (question) =>
    question.startsWith('show') ? list(...(events_().includes('cleared') ? ['a'] : [])) : dump('a'),
  );
  function events_(): readonly string[] {
    return events?.all.map(({ kind }) => kind) ?? [];
  }
  await events.until(({ kind }) => kind === 'snapshot-complete');
  await say(told('CHANNEL_CREATE', 'a'));
  await say(told('CHANNEL_HANGUP_COMPLETE', 'a', { 'Hangup-Cause': 'NORMAL_CLEARING' }));
  const before = events.all.length;
  await pass(100_000);
  t.equal(events.all.length, before, kinds().join());
  t.notOk(asked.all.includes('uuid_dump a json'));
});

t.test('the end of a leg that was told is not told once more by CHANNEL_DESTROY', async (t) => {
  const { events, say, socket } = await bench(t, (question) => (question.startsWith('show') ? list() : ''));
  await events.until(({ kind }) => kind === 'snapshot-complete');
  await say(told('CHANNEL_CREATE', 'a'));
  await say(told('CHANNEL_HANGUP_COMPLETE', 'a'));
  const before = events.all.length;
  socket().write(jsonFrame(told('CHANNEL_DESTROY', 'a')));
  await say(told('CHANNEL_CREATE', 'b'));
  t.equal(events.all.length, before + 1);
});

t.test('a channel whose creation was not told is found', async (t) => {
  let living: readonly string[] = [];
  const { events, pass } = await bench(t, (question) => (question.startsWith('show') ? list(...living) : dump('lost')));
  await events.until(({ kind }) => kind === 'snapshot-complete');
  living = ['lost'];
  await pass(45_000);
  t.match(events.all.at(-1), { kind: 'snapshot-channel', channel: 'lost', answered: true });
  t.equal(events.all.length, 3);
});

t.test('a FreeSWITCH that refuses the list is told about, and keeps its link', async (t) => {
  let refuses = true;
  const { asked, statuses, status, kinds, pass } = await bench(t, () =>
    refuses ? apiReply('-ERR SQL disabled, no data available!\n') : list(),
  );
  await asked.count(1);
  await pass(100_000);
  t.match(status(), { state: 'connected', problem: /"fs" does not list its channels .*SQL disabled.*-nosql/ });
  t.equal(statuses.all.filter(({ problem }) => problem !== null).length, 1, 'once');
  t.strictSame(kinds(), ['source-connected']);
  t.ok(asked.all.length >= 4, 'it is asked again all the same');
  refuses = false;
  await pass(21_000);
  t.equal(status().problem, null);
});

t.test('an answer to a dump that cannot be read is asked for four times at most, whatever its row says', async (t) => {
  const rows = [{ uuid: 'no-name' }, row('a')];
  const { asked, status, kinds, pass } = await bench(t, (question) =>
    apiReply(question.startsWith('show') ? JSON.stringify({ row_count: 2, rows }) : '{"Unique'),
  );
  await pass(200_000);
  for (const uuid of ['no-name', 'a'])
    t.equal(asked.all.filter((question) => question === `uuid_dump ${uuid} json`).length, 4);
  t.strictSame(kinds().slice(0, 2), ['source-connected', 'snapshot-channel']);
  t.equal(kinds().filter((kind) => kind === 'snapshot-complete').length, 1);
  t.match(status(), { state: 'connected', problem: null, faults: 2 });
});

t.test('a PBX that answers no dump at all is told by its list within two minutes', async (t) => {
  const many = Array.from({ length: 40 }, (_, i) => `c${i}`);
  const { events, statuses, status, kinds, pass, socket } = await bench(t, (question) =>
    question.startsWith('show') ? list(...many) : '',
  );
  const beat = setImmediateLoop(() => socket().write(jsonFrame({ 'Event-Name': 'HEARTBEAT' })));
  await pass(120_000);
  beat.stop();
  t.equal(new Set(events.all.flatMap((event) => (event.kind === 'snapshot-channel' ? [event.channel] : []))).size, 40);
  t.ok(kinds().includes('snapshot-complete'));
  t.notOk(kinds().includes('source-lost'));
  t.ok(
    statuses.all.some(({ state, problem }) => state === 'connected' && /not told about each/.test(problem ?? '')),
    'told while it is waited for',
  );
  t.equal(status().problem, null);
});

t.test(
  'one channel that cannot be taken in costs that channel, and the list is not complete until it is',
  async (t) => {
    let bad = true;
    const { events, warnings, status, kinds, pass } = await bench(
      t,
      (question) => (question.startsWith('show') ? list('a', 'b') : dump(question.split(' ')[1] ?? '')),
      (event) => {
        if (bad && event.kind === 'snapshot-channel' && event.channel === 'a') throw new Error('no such thing');
      },
    );
    await pass(5_000);
    t.strictSame(kinds(), ['source-connected', 'snapshot-channel']);
    t.match(status(), { state: 'connected', problem: /not told about each/, faults: 1 });
    t.match(warnings.all, [/A listed channel could not be taken in and was left out \(no such thing\)/]);
    bad = false;
    await pass(11_000);
    t.ok(kinds().includes('snapshot-complete'));
    t.notOk(kinds().includes('source-lost'));
    t.equal(events.all.filter((event) => event.kind === 'snapshot-channel' && event.channel === 'a').length, 1);
    t.equal(status().problem, null);
  },
);

t.test(
  'what goes wrong at the beginning, with a list or at the end of a link is a fault, and the rest goes on',
  async (t) => {
    let bad: readonly string[] = ['source-connected', 'snapshot-complete', 'source-lost'];
    const { events, status, statuses, pass, socket } = await bench(
      t,
      () => list(),
      ({ kind }) => {
        if (bad.includes(kind)) throw new Error('the pipeline has a bad day');
      },
    );
    await pass(5_000);
    t.match(status(), { state: 'connected', problem: /could not be taken in .*bad day/, faults: 2 });
    socket().destroy();
    await statuses.until(({ state }) => state === 'lost');
    await pass(5_000);
    t.equal(status().faults, 5);
    bad = [];
    await pass(21_000);
    await events.until(({ kind }) => kind === 'snapshot-complete');
    t.match(status(), { state: 'connected', problem: null });
  },
);

t.test('what could not be taken in is found by the next lists: a beginning, and an end that nobody told', async (t) => {
  let living: readonly string[] = [];
  let bad = '';
  const { events, status, pass, say, socket } = await bench(
    t,
    (question) => (question.startsWith('show') ? list(...living) : dump('a')),
    ({ kind }) => {
      if (kind !== bad) return;
      bad = '';
      throw new Error('the pipeline has a bad day');
    },
  );
  await events.until(({ kind }) => kind === 'snapshot-complete');
  bad = 'channel-created';
  living = ['a'];
  socket().write(jsonFrame(told('CHANNEL_CREATE', 'a')));
  await pass(60_000);
  t.match(events.all.at(-1), { kind: 'snapshot-channel', channel: 'a' });
  bad = 'vanished';
  living = [];
  await pass(100_000);
  t.match(events.all.at(-1), { kind: 'vanished', channel: 'a' });
  t.equal(status().faults, 2);
  await say(told('CHANNEL_CREATE', 'b'));
});

t.test(
  'a clock of FreeSWITCH that is set is told before what comes by it, also when only its heart beats',
  async (t) => {
    const HOUR = 3_600_000;
    for (const by of [HOUR, -HOUR]) {
      const { events, socket, say, pass } = await bench(t, () => list());
      await events.until(({ kind }) => kind === 'snapshot-complete');
      await say(told('CHANNEL_CREATE', 'a', { 'Event-Date-Timestamp': micros(0) }));
      await pass(20_000);
      socket().write(jsonFrame({ 'Event-Name': 'HEARTBEAT', 'Event-Date-Timestamp': micros(20_000) }));
      // Late, and no step.
      await pass(20_000);
      await say(told('CHANNEL_ANSWER', 'a', { 'Event-Date-Timestamp': micros(31_000) }));
      t.notOk(events.all.some(({ kind }) => kind === 'clock-stepped'));
      await pass(20_000);
      await say({ 'Event-Name': 'HEARTBEAT', 'Event-Date-Timestamp': micros(60_000 + by) });
      t.match(events.all.at(-1), { kind: 'clock-stepped', clock: 'pbx', by, receivedAt: epoch + 60_000 });
      await say(told('CHANNEL_HANGUP_COMPLETE', 'a', { 'Event-Date-Timestamp': micros(61_000 + by) }));
      t.equal(events.all.filter(({ kind }) => kind === 'clock-stepped').length, 1);
    }
  },
);
