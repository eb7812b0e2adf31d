/**
 * What every event source must do, whatever the PBX: run against each adapter, with a player of recorded calls as its PBX.
 * A further PBX is finished when it passes this and its recordings.
 */
import { once } from 'node:events';
import t from 'tap';
import { AmiPlayer } from '../../adapters/asterisk/player/player.ts';
import { createAsteriskSource } from '../../adapters/asterisk/source.ts';
import { EslPlayer } from '../../adapters/freeswitch/player/player.ts';
import { createFreeswitchSource } from '../../adapters/freeswitch/source.ts';
import { createClock } from '../../adapters/host/clock.ts';
import { frameReaders } from '../../adapters/index.ts';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { CallRecord } from '../../src/call/record.ts';
import type { EventSource, SourceFrame, SourceStatus } from '../../src/ports.ts';
import { channelOf } from '../../src/telephony/call-event.ts';
import { labPlan } from '../support/recordings.ts';

const clock = createClock();
const file = (name: string) => new URL(`../fixtures/recordings/${name}/events.jsonl.gz`, import.meta.url).pathname;

interface Bench {
  readonly source: EventSource;
  /** Resolves when the PBX has sent everything. */
  readonly played: Promise<unknown>;
  /** Cuts the connection in the middle of a frame. */
  cut(): void;
  close(): Promise<void>;
}

interface Kind {
  readonly pbx: string;
  /** A PBX that plays one answered inbound call; `password`: what it accepts. */
  open(password: string, onWarning?: (text: string) => void): Promise<Bench>;
}

const quick = { initialMs: 10, maxMs: 50, quietMs: 1000 };

const kinds: readonly Kind[] = [
  {
    pbx: 'asterisk',
    async open(password, onWarning = () => {}) {
      const player = new AmiPlayer({
        captures: [file('asterisk-22/inbound_answered_caller_hangs_up')],
        username: 'test',
        secret: password,
        speed: 20,
        settleMs: 20,
      });
      const port = await player.listen();
      const source = createAsteriskSource({
        name: 'pbx',
        host: '127.0.0.1',
        port,
        username: 'test',
        secret: 'right',
        clock,
        onWarning,
        retryMs: () => quick.initialMs,
      });
      return {
        source,
        played: player.done,
        cut: () => player.setFaults({ cutAfter: 40 }),
        close: () => player.close(),
      };
    },
  },
  {
    pbx: 'freeswitch',
    async open(password, onWarning = () => {}) {
      const player = new EslPlayer({ file: file('freeswitch-1.11/in_answered_caller_hangup'), password, speed: 20 });
      const played = once(player, 'done');
      const port = await player.listen();
      const source = createFreeswitchSource({
        name: 'pbx',
        host: '127.0.0.1',
        port,
        password: 'right',
        clock,
        onWarning,
      });
      return {
        source,
        played,
        cut: () => {
          player.faults.dropAfter = 3;
        },
        close: () => player.close(),
      };
    },
  },
];

/** Starts the source and gathers what it says. `take` may throw: that frame is then not gathered. */
function listen(source: EventSource, take: (frame: SourceFrame) => void = () => {}) {
  const frames: SourceFrame[] = [];
  const statuses: SourceStatus[] = [];
  const waiting = new Set<() => void>();
  const look = () => {
    for (const check of waiting) check();
  };
  source.start(
    (frame) => {
      take(frame);
      // Its memory may be used again.
      frames.push({ ...frame, raw: frame.raw === null ? null : Buffer.from(frame.raw) });
      look();
    },
    (status) => {
      statuses.push(status);
      look();
    },
  );
  const until = (done: () => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!done()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  const kinds = () => frames.flatMap((frame) => frame.events.map((event) => event.kind));
  return { frames, statuses, until, kinds };
}

/** The calls these frames make, once they are over. */
function ended(frames: readonly SourceFrame[], pbx: string): CallRecord[] {
  const table = new CallTable('pbx', labPlan(pbx), DEFAULT_RULES);
  const records = frames.flatMap((frame) => frame.events).flatMap((event) => table.apply(event).ended);
  return [...records, ...table.advance(Number.MAX_SAFE_INTEGER).ended];
}

t.setTimeout(60_000);

for (const { pbx, open } of kinds) {
  t.test(`${pbx}: a call is told from its first channel to its last, framed by connection and snapshot`, async (t) => {
    const bench = await open('right');
    t.teardown(async () => {
      await bench.source.stop();
      await bench.close();
    });
    const heard = listen(bench.source);
    await bench.played;
    await heard.until(() => heard.kinds().includes('cleared') && heard.kinds().includes('snapshot-complete'));
    const kinds = heard.kinds();
    t.equal(kinds[0], 'source-connected', 'the connection is told first');
    t.ok(kinds.includes('channel-created') && kinds.includes('answered') && kinds.includes('bridge-entered'));
    t.equal(bench.source.status().state, 'connected');
    t.equal(bench.source.status().problem, null);
    t.ok(bench.source.status().frames > 0);
    t.ok((bench.source.status().lastFrameAt ?? 0) > 0);
  });

  t.test(`${pbx}: the raw frames give the same events again`, async (t) => {
    const bench = await open('right');
    t.teardown(async () => {
      await bench.source.stop();
      await bench.close();
    });
    const heard = listen(bench.source);
    await bench.played;
    await heard.until(() => heard.kinds().includes('cleared'));
    const read = frameReaders[pbx];
    let compared = 0;
    for (const { raw, events, receivedAt } of heard.frames) {
      if (raw === null || events.some((event) => event.kind === 'snapshot-channel' && event.channel === '')) continue;
      t.strictSame(read?.(raw, 'pbx', receivedAt), events);
      compared += 1;
    }
    t.ok(compared > 5);
  });

  t.test(`${pbx}: a cut in the middle of a frame is told, and the next connection is whole`, async (t) => {
    const bench = await open('right');
    t.teardown(async () => {
      await bench.source.stop();
      await bench.close();
    });
    bench.cut();
    const heard = listen(bench.source);
    await heard.until(() => heard.kinds().filter((kind) => kind === 'source-connected').length >= 2);
    const kinds = heard.kinds();
    const lost = kinds.indexOf('source-lost');
    t.ok(lost > 0, 'the loss is an event');
    t.ok(kinds.indexOf('source-connected', lost) > lost, 'the new connection comes after it');
    t.ok(heard.statuses.some((status) => status.state === 'lost' && status.problem !== null));
    await bench.played;
    await heard.until(() => ended(heard.frames, pbx).length > 0);
    t.equal(ended(heard.frames, pbx).length, 1, 'and it is still one call');
  });

  t.test(`${pbx}: what throws on one frame costs that frame, is told and counted, and the link goes on`, async (t) => {
    const warnings: string[] = [];
    const bench = await open('right', (text) => warnings.push(text));
    t.teardown(async () => {
      await bench.source.stop();
      await bench.close();
    });
    let thrown = 0;
    const heard = listen(bench.source, ({ events }) => {
      if (thrown > 0 || !events.some(({ kind }) => kind === 'answered')) return;
      thrown += 1;
      throw new Error('no such thing');
    });
    await bench.played;
    await heard.until(() => heard.kinds().includes('cleared'));
    t.equal(thrown, 1);
    t.equal(bench.source.status().faults, 1);
    t.match(warnings, [/could not be handled and was left out \(no such thing\)/]);
    t.same(
      heard.statuses.map(({ state }) => state),
      ['connecting', 'connected'],
    );
  });

  t.test(`${pbx}: a refused password is told apart from a network loss, with the remedy`, async (t) => {
    const bench = await open('another one');
    t.teardown(async () => {
      await bench.source.stop();
      await bench.close();
    });
    const heard = listen(bench.source);
    await heard.until(() => heard.statuses.some((status) => status.state === 'refused'));
    t.match(bench.source.status().problem, /password|secret/i);
    t.notOk(heard.statuses.some((status) => status.state === 'connected'));
    t.strictSame(heard.frames, []);
  });

  t.test(`${pbx}: nothing comes after stop`, async (t) => {
    const bench = await open('right');
    t.teardown(() => bench.close());
    const heard = listen(bench.source);
    await heard.until(() => heard.frames.some((frame) => frame.events.some((event) => channelOf(event) !== null)));
    await bench.source.stop();
    const count = heard.frames.length;
    t.equal(bench.source.status().state, 'stopped');
    await new Promise<void>((resolve) => setImmediate(resolve));
    t.equal(heard.frames.length, count);
  });
}
