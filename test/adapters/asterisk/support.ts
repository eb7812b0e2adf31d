/** What the AMI tests share: the recordings, clocks, and a server that does as it is told. */

import { readdirSync } from 'node:fs';
import net from 'node:net';
import { AmiClient } from '../../../adapters/asterisk/link/client.ts';
import type { AmiClientOptions } from '../../../adapters/asterisk/link/client-options.ts';
import { AmiParser } from '../../../adapters/asterisk/link/codec.ts';
import type { AmiPacket } from '../../../adapters/asterisk/link/packet.ts';
import { createClock } from '../../../adapters/host/clock.ts';
import type { LinkState } from '../../../src/link/link.ts';
import type { Clock } from '../../../src/ports.ts';

export const RECORDINGS = new URL('../../fixtures/recordings/', import.meta.url);

/** Paths of all AMI capture files among the fixtures. */
export function captures(filter = /./): string[] {
  return ['asterisk-16', 'asterisk-22'].flatMap((version) => {
    const folder = new URL(`${version}/`, RECORDINGS);
    return readdirSync(folder).flatMap((scenario) =>
      readdirSync(new URL(`${scenario}/`, folder))
        .filter((file) => file.startsWith('events') && filter.test(`${version}/${scenario}/${file}`))
        .map((file) => new URL(`${scenario}/${file}`, folder).pathname),
    );
  });
}

export const realClock = createClock({ bootId: 'test' });

/** A clock that moves only when told; remembers the delays that were asked for. */
export class FakeClock implements Clock {
  readonly bootId = 'test';
  readonly asked: number[] = [];
  #now = 1_800_000_000_000;
  #timers: { at: number; run: () => void }[] = [];
  #watchers: { test: (ms: number) => boolean; resolve: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    this.asked.push(ms);
    for (const watcher of this.#watchers.filter((one) => one.test(ms))) watcher.resolve();
    this.#watchers = this.#watchers.filter((one) => !one.test(ms));
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** Resolves when somebody sets a timer of exactly `ms` after this call. */
  timer(ms: number): Promise<void> {
    return this.#when((asked) => asked === ms);
  }

  /** Resolves when somebody sets a timer of anything but `ms` after this call. */
  otherTimer(ms: number): Promise<void> {
    return this.#when((asked) => asked !== ms);
  }

  #when(test: (ms: number) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#watchers.push({ test, resolve });
    });
  }

  get waiting(): number {
    return this.#timers.length;
  }

  /** Time passes while nothing can run, as when the process is stopped; then what is due runs, all at the end. */
  stall(ms: number): void {
    this.#now += ms;
    this.advance(0);
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }
}

/** Values that arrive over time, waited for by what they are. */
export class Inbox<T> {
  readonly items: T[] = [];
  #waiting: { test: (item: T) => boolean; resolve: (item: T) => void; from: number }[] = [];

  push(item: T): void {
    this.items.push(item);
    for (const waiter of this.#waiting.filter((one) => one.test(item))) waiter.resolve(item);
    this.#waiting = this.#waiting.filter((one) => !one.test(item));
  }

  /** The first item from index `from` on that passes the test, now or later. */
  find(test: (item: T) => boolean, from = 0): Promise<T> {
    const found = this.items.slice(from).find(test);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => {
      this.#waiting.push({ test, resolve, from });
    });
  }
}

export interface Peer {
  readonly socket: net.Socket;
  /** Actions received on this connection. */
  readonly actions: Inbox<AmiPacket>;
  /** Writes lines as one packet: CRLF after each and an empty line at the end. */
  packet(...lines: string[]): void;
}

/** A server that greets, closes on Logoff unless told not to, and otherwise leaves everything to the test. */
export async function scriptedServer(
  greeting: string | null = 'Asterisk Call Manager/11.0.0\r\n',
  obeyLogoff = true,
  port = 0,
) {
  const peers = new Inbox<Peer>();
  const server = net.createServer((socket) => {
    const actions = new Inbox<AmiPacket>();
    const ignore = () => {};
    const taken = (action: AmiPacket) => {
      actions.push(action);
      if (obeyLogoff && action.get('Action') === 'Logoff') socket.end();
    };
    const parser = new AmiParser({
      onGreeting: ignore,
      onError: ignore,
      onSkipped: ignore,
      onPacket: (packet) => taken(packet),
    });
    parser.push(Buffer.from('client\r\n'));
    socket.on('data', (chunk: Buffer) => parser.push(chunk));
    socket.on('error', ignore);
    const packet = (...lines: string[]) => socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    peers.push({ socket, actions, packet });
    if (greeting !== null) socket.write(greeting);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  const close = async () => {
    for (const { socket } of peers.items) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: address.port, peers, close };
}

/** Answers Challenge and Login on a scripted connection, and sends FullyBooted. */
export async function acceptLogin(peer: Peer, booted = true): Promise<AmiPacket> {
  const challenge = await peer.actions.find((action) => action.get('Action') === 'Challenge');
  peer.packet('Response: Success', `ActionID: ${challenge.get('ActionID')}`, 'Challenge: 123456');
  const login = await peer.actions.find((action) => action.get('Action') === 'Login');
  const success = ['Response: Success', `ActionID: ${login.get('ActionID')}`, 'Message: Authentication accepted'];
  const fullyBooted = ['Event: FullyBooted', 'Privilege: system,all', 'Uptime: 77', 'Status: Fully Booted'];
  if (booted) peer.packet(...success, '', ...fullyBooted);
  else peer.packet(...success);
  return login;
}

/** From now on answers each Ping on scripted connections, also those that came before. */
export function answerPings(...peers: readonly Peer[]): void {
  for (const { actions, packet } of peers) {
    const answer = (ping: AmiPacket): void => {
      packet('Response: Success', `ActionID: ${ping.get('ActionID')}`, 'Ping: Pong');
      next(actions.items.indexOf(ping) + 1);
    };
    const next = (from: number): void => {
      actions
        .find((action) => action.get('Action') === 'Ping', from)
        .then(answer)
        .catch(() => {});
    };
    next(0);
  }
}

export type Happening =
  | { readonly kind: 'packet'; readonly packet: AmiPacket; readonly at: number }
  | { readonly kind: 'connected'; readonly greeting: string; readonly fullyBooted: AmiPacket | null }
  | { readonly kind: 'lost'; readonly reason: string; readonly orderly: boolean; readonly silentMs: number }
  | { readonly kind: 'state'; readonly state: LinkState; readonly problem: string | null };

/** Tries again at once, but after a refusal only when a minute is over. */
const retryMs: NonNullable<AmiClientOptions['retryMs']> = (kind) => (kind === 'refused' ? 60_000 : 0);

/** A started client and everything it reported, in order. */
export function watchedClient(options: Partial<AmiClientOptions> & { readonly port: number }) {
  const log = new Inbox<Happening>();
  const frames: Uint8Array[] = [];
  const faults: string[] = [];
  const client = new AmiClient(
    { host: '127.0.0.1', username: 'crm-logger', secret: 's3cret', clock: realClock, retryMs, ...options },
    {
      onPacket: (packet, at) => log.push({ kind: 'packet', packet, at }),
      onConnected: (info) => log.push({ kind: 'connected', ...info }),
      onLost: (reason, orderly, silentMs) => log.push({ kind: 'lost', reason, orderly, silentMs }),
      onStatus: ({ state, problem }) => log.push({ kind: 'state', state, problem }),
      onFrame: (raw) => frames.push(raw),
      onFault: (_subject, text) => faults.push(text),
    },
  );
  client.start();
  const packets = () => log.items.flatMap((item) => (item.kind === 'packet' ? [item.packet] : []));
  const state = (wanted: LinkState, from = 0) =>
    log
      .find((item) => item.kind === 'state' && item.state === wanted, from)
      .then((item) => {
        return item.kind === 'state' ? (item.problem ?? '') : '';
      });
  const event = (name: string) => log.find((item) => item.kind === 'packet' && item.packet.get('Event') === name);
  return { client, log, frames, faults, packets, state, event };
}
