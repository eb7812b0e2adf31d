/** A PBX as a process of its own: lets one client log in and plays recordings to it, told by its parent what to play. */
import { createServer, type Socket } from 'node:net';
import { type Pbx, type Recording, recorded, type Stream } from '../recorded.ts';
import {
  AMI_WRITE_TIMEOUT_MS,
  answerTo,
  END_OF_COMMAND,
  type FromFeeder,
  GREETING,
  type Play,
  type ToFeeder,
} from './protocol.ts';

/** Small, so that the time of a write is the time for which the other side took nothing. */
const WRITE_BYTES = 16 * 1024;
const RETURNS_MS = 30_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const tell = (message: FromFeeder): void => void process.send?.(message);

let client: Socket | null = null;
let lost = 0;
function listen(pbx: Pbx, recording: Recording): void {
  const { coreUuid } = recorded(pbx, recording);
  const server = createServer({ noDelay: true }, (socket) => {
    let text = '';
    let joined = false;
    socket.on('error', () => {});
    socket.on('close', () => {
      if (joined) lost += 1;
      if (client === socket) client = null;
    });
    socket.write(GREETING[pbx]);
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const mark = END_OF_COMMAND[pbx];
      for (let end = text.indexOf(mark); end >= 0; end = text.indexOf(mark)) {
        const answer = answerTo(pbx, text.slice(0, end), coreUuid);
        text = text.slice(end + mark.length);
        socket.write(answer.text, 'latin1');
        if (!answer.joins || joined) continue;
        joined = true;
        client = socket;
        tell({ kind: 'joined' });
      }
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    tell({ kind: 'listening', port: typeof address === 'object' && address !== null ? address.port : 0 });
  });
}

const blocked = { longestMs: 0, tooLong: 0 };

/** A client that is there; one that lost its link has half a minute to come back. */
async function present(): Promise<Socket> {
  for (const until = performance.now() + RETURNS_MS; performance.now() < until; ) {
    if (client?.writable === true) return client;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the client of the bench went away and does not come back');
}

/** Resolves when the socket took everything, is closed, or at `until` of the clock of `performance`. */
async function write(bytes: Buffer, until: number): Promise<void> {
  const socket = await present();
  if (socket.write(bytes)) return;
  const began = performance.now();
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      socket.off('drain', done).off('close', done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, Math.min(until - began, LONGEST_TIMER_MS)));
    socket.on('drain', done).on('close', done);
  });
  const took = performance.now() - began;
  blocked.longestMs = Math.max(blocked.longestMs, took);
  if (took > AMI_WRITE_TIMEOUT_MS) blocked.tooLong += 1;
}

/** Frames of the last hang-up of each call of a repetition. */
function endsOf(stream: Stream): ReadonlySet<number> {
  const last = new Map<string, number>();
  for (let number = 0; number < stream.length; number += 1) {
    const frame = stream.frame(number, 0).toString('latin1');
    const linked = /^Linkedid: (.*)$/m.exec(frame)?.[1];
    if (linked !== undefined && frame.startsWith('Event: Hangup\r')) last.set(linked, number);
  }
  return new Set(last.values());
}

async function play(pbx: Pbx, order: Play): Promise<void> {
  const stream = recorded(pbx, order.recording, order.beganAt);
  const { from = 0, to = stream.length, firstTile, tiles, rate } = order;
  const marked = order.tellEnds === true ? endsOf(stream) : new Set<number>();
  const ends: [string, string][] = [];
  Object.assign(blocked, { longestMs: 0, tooLong: 0 });
  let events = 0;
  let bytes = 0;
  let waiting: Buffer[] = [];
  let size = 0;
  const began = performance.now();
  const until = began + (order.limitMs ?? Number.POSITIVE_INFINITY);
  const flush = async (): Promise<void> => {
    const batch = Buffer.concat(waiting);
    waiting = [];
    size = 0;
    if (batch.length > 0) await write(batch, until);
  };
  for (let tile = firstTile; tile < firstTile + tiles; tile += 1) {
    for (let number = from; number < Math.min(to, stream.length) && performance.now() < until; number += 1) {
      if (rate > 0) {
        const early = began + (events * 1000) / rate - performance.now();
        if (early > 1) {
          await flush();
          await new Promise((resolve) => setTimeout(resolve, early));
        }
      }
      const frame = stream.frame(number, tile);
      waiting.push(frame);
      events += 1;
      bytes += frame.length;
      size += frame.length;
      if (marked.has(number)) {
        const linked = /^Linkedid: (.*)\r$/m.exec(frame.toString('latin1'))?.[1] ?? '';
        ends.push([linked, String(process.hrtime.bigint())]);
        await flush();
      } else if (size >= WRITE_BYTES) await flush();
    }
  }
  await flush();
  const { longestMs: longestBlockedMs, tooLong: blockedTooLong } = blocked;
  tell({ kind: 'played', events, bytes, longestBlockedMs, blockedTooLong, lost, ends });
}

let kind: Pbx = 'asterisk';
process.on('message', (message: ToFeeder) => {
  if (message.kind === 'listen') {
    kind = message.pbx;
    listen(kind, message.recording);
  } else {
    play(kind, message).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    });
  }
});
process.on('disconnect', () => process.exit(0));
