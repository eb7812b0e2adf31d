/** What the tests of the FreeSWITCH adapter share: recordings, a clock that is turned by hand, a scripted server. */

import { readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { EslClient } from '../../../adapters/freeswitch/link/client.ts';
import type { EslClientOptions } from '../../../adapters/freeswitch/link/client-options.ts';
import type { Ticker } from '../../../adapters/freeswitch/link/connection.ts';
import type { EslEvent } from '../../../adapters/freeswitch/link/event.ts';
import type { EslPeer } from '../../../adapters/freeswitch/link/handshake.ts';

export function recording(scenario: string, file = 'events.jsonl.gz'): string {
  return new URL(`../../fixtures/recordings/freeswitch-1.11/${scenario}/${file}`, import.meta.url).pathname;
}

interface Line {
  readonly raw?: string;
  readonly rawBase64?: string;
}

/** The exact bytes of the frames of a recording, in order. */
export function recordedFrames(scenario: string, file = 'events.jsonl.gz'): readonly Buffer[] {
  const lines = gunzipSync(readFileSync(recording(scenario, file)))
    .toString('utf8')
    .trim()
    .split('\n');
  return lines.slice(1).map((line) => {
    const { raw, rawBase64 }: Line = JSON.parse(line);
    return raw === undefined ? Buffer.from(rawBase64 ?? '', 'base64') : Buffer.from(raw, 'utf8');
  });
}

export function jsonFrame(event: Readonly<Record<string, unknown>>): Buffer {
  const body = JSON.stringify(event);
  return Buffer.from(`Content-Length: ${Buffer.byteLength(body)}\nContent-Type: text/event-json\n\n${body}`);
}

/** Time passes only when the test says so. */
export class HandClock implements Ticker {
  #time = 0;
  #timers = new Map<symbol, { readonly at: number; readonly run: () => void }>();

  now(): number {
    return 1_800_000_000_000 + this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  after(ms: number, run: () => void): () => void {
    const id = Symbol('timer');
    this.#timers.set(id, { at: this.#time + ms, run });
    return () => this.#timers.delete(id);
  }

  /** ms until the next timer; `null` without one. */
  get next(): number | null {
    const due = [...this.#timers.values()].map(({ at }) => at - this.#time);
    return due.length === 0 ? null : Math.min(...due);
  }

  /** Time passes, but the program does not run: the timers fire late, all at once. */
  standStill(ms: number): void {
    this.#time += ms;
    this.advance(0);
  }

  advance(ms: number): void {
    const until = this.#time + ms;
    for (;;) {
      const [id, timer] =
        [...this.#timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (id === undefined || timer === undefined) break;
      this.#timers.delete(id);
      this.#time = Math.max(this.#time, timer.at);
      timer.run();
    }
    this.#time = until;
  }
}

/** Collects what happens and lets a test wait for it. */
export class Seen<T> {
  readonly all: T[] = [];
  #waiting: (() => void)[] = [];

  readonly add = (value: T): void => {
    this.all.push(value);
    for (const wake of this.#waiting.splice(0)) wake();
  };

  /** Resolves with the first value, of those from `from` on, that satisfies the test. */
  async until(test: (value: T) => boolean, from = 0): Promise<T> {
    for (;;) {
      for (const value of this.all.slice(from)) if (test(value)) return value;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async count(many: number): Promise<readonly T[]> {
    await this.until(() => this.all.length >= many);
    return this.all;
  }
}

/** An event as plain data, to compare two of them. */
export function asObject(event: EslEvent): Record<string, readonly string[]> {
  return Object.fromEntries(event.names().map((name) => [name, event.list(name)]));
}

/** A server that runs `serve` for each connection; `serve` gets the commands as they come. */
export async function fakeServer(
  serve: (socket: Socket, nth: number) => void,
  port = 0,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let nth = 0;
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(socket, nth++);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Answers the log-in and the subscription like FreeSWITCH; other commands go to `other`, which returns the raw reply. */
export function greet(
  socket: Socket,
  onSubscribed: () => void,
  other: (command: string) => string | null = () => null,
): void {
  socket.write('Content-Type: auth/request\n\n');
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8');
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const command = text.slice(0, end);
      text = text.slice(end + 2);
      const special = other(command);
      if (special !== null) socket.write(special);
      else if (command.startsWith('auth ')) socket.write('Content-Type: command/reply\nReply-Text: +OK accepted\n\n');
      else if (command.startsWith('api ')) socket.write(apiReply('-ERR no such command\n'));
      else if (command.startsWith('event ')) {
        socket.write('Content-Type: command/reply\nReply-Text: +OK event listener enabled json\n\n', onSubscribed);
      } else if (command === 'exit') socket.end('Content-Type: command/reply\nReply-Text: +OK bye\n\n');
    }
  });
}

export function apiReply(body: string): string {
  return `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`;
}

export interface Watched {
  readonly client: EslClient;
  readonly clock: HandClock;
  readonly events: Seen<EslEvent>;
  readonly connected: Seen<EslPeer>;
  readonly lost: Seen<{ readonly reason: string; readonly orderly: boolean }>;
  readonly states: Seen<{ readonly state: string; readonly problem: string | null }>;
  readonly warnings: Seen<string>;
  readonly faults: Seen<{ readonly subject: string; readonly text: string }>;
  /** Every frame with its exact bytes. */
  readonly raw: Seen<Uint8Array>;
  /** Everything in the order it happened. */
  readonly story: Seen<string>;
}

/** A started client on 127.0.0.1 whose time stands still and which tries again as soon as it may. */
export function watch(
  port: number,
  options: Partial<EslClientOptions> = {},
  onEvent: (event: EslEvent, client: EslClient) => void = () => {},
): Watched {
  const clock = new HandClock();
  const seen = {
    events: new Seen<EslEvent>(),
    connected: new Seen<EslPeer>(),
    lost: new Seen<{ reason: string; orderly: boolean }>(),
    states: new Seen<{ state: string; problem: string | null }>(),
    warnings: new Seen<string>(),
    faults: new Seen<{ subject: string; text: string }>(),
    raw: new Seen<Uint8Array>(),
    story: new Seen<string>(),
  };
  const client: EslClient = new EslClient(
    { host: '127.0.0.1', port, password: 'lab-only', clock, random: () => 0, ...options },
    {
      onEvent: (event) => {
        seen.events.add(event);
        seen.story.add(event.name);
        onEvent(event, client);
      },
      onConnected: (peer) => {
        seen.connected.add(peer);
        seen.story.add('connected');
      },
      onLost: (reason, orderly) => {
        seen.lost.add({ reason, orderly });
        seen.story.add('lost');
      },
      onStatus: ({ state, problem }) => seen.states.add({ state, problem }),
      onWarning: seen.warnings.add,
      onFault: (subject, text) => seen.faults.add({ subject, text }),
      onFrame: seen.raw.add,
    },
  );
  client.start();
  return { client, clock, ...seen };
}
