/** Event socket clients side by side: this program's and esl-lite, on the same stream of recorded events over loopback. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { gunzipSync } from 'node:zlib';
import { FreeSwitchClient } from 'esl-lite';
import { EslClient } from '../../adapters/freeswitch/link/client.ts';
import type { Line, Options } from '../support/report.ts';
import { median } from '../support/statistics.ts';

const wanted = 'CHANNEL_HANGUP_COMPLETE';
const total = 10_000;
/** Rounds of each client, in turns, so that what else the machine does falls on both; the first warms up. */
const rounds = 5;
const roundsShort = 2;
const fixture = new URL(
  '../../test/fixtures/recordings/freeswitch-1.11/thirty_at_once/events.jsonl.gz',
  import.meta.url,
);

interface Result {
  readonly delivered: number;
  readonly seconds: number;
}

function recorded(): readonly Buffer[] {
  const lines = gunzipSync(readFileSync(fixture)).toString('utf8').trim().split('\n').slice(1);
  return lines
    .map((line) => Buffer.from(String(JSON.parse(line).raw ?? ''), 'utf8'))
    .filter((raw) => raw.includes(`"Event-Name":"${wanted}"`));
}

/** Runs in a thread of its own: whoever subscribes gets `total` events as fast as it reads them. */
function serve(): void {
  const frames = recorded();
  const server = createServer({ noDelay: true }, (socket) => {
    let text = '';
    let sent = -1;
    const feed = () => {
      while (sent < total && socket.writable) {
        const raw = frames[sent++ % frames.length];
        if (raw !== undefined && !socket.write(raw)) return;
      }
    };
    socket.on('drain', feed);
    socket.on('error', () => socket.destroy());
    socket.write('Content-Type: auth/request\n\n');
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const command = text.slice(0, end);
        text = text.slice(end + 2);
        if (command.startsWith('api ')) socket.write('Content-Type: api/response\nContent-Length: 4\n\n-ERR');
        else socket.write('Content-Type: command/reply\nReply-Text: +OK accepted\n\n');
        if (!command.startsWith('event ') || !command.includes(wanted) || sent >= 0) continue;
        sent = 0;
        feed();
      }
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    parentPort?.postMessage(typeof address === 'object' && address !== null ? address.port : 0);
  });
}

/** Waits until all events are there, or none has come for two seconds, and stops the client that `start` made. */
async function measure(start: (onEvent: () => void) => () => Promise<void> | void): Promise<Result> {
  let stop: (() => Promise<void> | void) | undefined;
  const result = await new Promise<Result>((resolve) => {
    let delivered = 0;
    let first = 0;
    let last = 0;
    let timer = setTimeout(() => {}, 0);
    const finish = () => resolve({ delivered, seconds: (last - first) / 1000 });
    stop = start(() => {
      last = performance.now();
      if (delivered++ === 0) first = last;
      if (delivered % 1_000 !== 1 && delivered < total) return;
      clearTimeout(timer);
      timer = setTimeout(finish, delivered >= total ? 0 : 2_000);
    });
  });
  await stop?.();
  return result;
}

function measureOurs(port: number): Promise<Result> {
  return measure((onEvent) => {
    const client = new EslClient(
      {
        host: '127.0.0.1',
        port,
        password: 'bench',
        subscription: { events: [wanted], custom: [] },
        clock: {
          now: () => Date.now(),
          monotonic: () => performance.now(),
          after: (ms, run) => {
            const timer = setTimeout(run, ms);
            return () => clearTimeout(timer);
          },
        },
      },
      { onEvent: (event) => event.get('Unique-ID') !== undefined && onEvent(), onConnected() {}, onLost() {} },
    );
    client.start();
    return () => client.close();
  });
}

function measureEslLite(port: number): Promise<Result> {
  const logger = { child: () => logger, trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} };
  return measure((onEvent) => {
    const client = new FreeSwitchClient({ host: '127.0.0.1', port, password: 'bench', logger });
    client.on(wanted, (data) => data.body.uniqueID !== undefined && onEvent());
    return () => client.end();
  });
}

const rate = (results: readonly Result[]): number =>
  median(results.map(({ delivered, seconds }) => delivered / seconds));

/** Events per second, events delivered of events sent. */
export async function run({ short, print }: Options): Promise<Line[]> {
  const worker = new Worker(new URL(import.meta.url));
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const turns = short ? roundsShort : rounds;
  try {
    const ours: Result[] = [];
    const theirs: Result[] = [];
    for (let round = 0; round <= turns; round++) {
      ours.push(await measureOurs(port));
      theirs.push(await measureEslLite(port));
    }
    const [mine, other] = [ours.slice(1), theirs.slice(1)];
    const missing = mine.reduce((sum, { delivered }) => sum + total - delivered, 0);
    print(`FreeSWITCH event socket: ${turns} x ${total} recorded ${wanted} events (JSON) over loopback, median`);
    return [
      {
        measure: 'decoding the event socket, beside esl-lite',
        unit: 'events/s',
        value: rate(mine),
        baseline: rate(other),
      },
      {
        measure: 'events of the event socket that did not arrive',
        unit: '',
        value: missing,
        bar: { on: 'value', most: 0 },
      },
    ];
  } finally {
    await worker.terminate();
  }
}

if (!isMainThread) serve();
