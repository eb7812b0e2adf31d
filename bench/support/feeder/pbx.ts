/** The bench's side of a PBX that plays recordings in a process of its own. */
import { type ChildProcess, fork } from 'node:child_process';
import { ended, owned } from '../process.ts';
import type { Pbx, Recording } from '../recorded.ts';
import type { FromFeeder, Play, Played, ToFeeder } from './protocol.ts';

export interface FedPbx {
  readonly pbx: Pbx;
  readonly port: number;
  /** Resolves when a client has logged in, also when that was before. */
  readonly joined: Promise<void>;
  play(order: Play): Promise<Played>;
  close(): Promise<void>;
}

/** A PBX that listens on a free port of 127.0.0.1. `recording`: what it will play. */
export async function openPbx(pbx: Pbx, recording: Recording = 'call'): Promise<FedPbx> {
  const child = owned(fork(new URL('./main.ts', import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  const joined = hears(child, 'joined').then(() => {});
  joined.catch(() => {});
  const listening = hears(child, 'listening');
  send(child, { kind: 'listen', pbx, recording });
  const { port } = await listening;
  return {
    pbx,
    port,
    joined,
    play(order) {
      const played = hears(child, 'played');
      send(child, { kind: 'play', ...order });
      return played;
    },
    close: () => ended(child),
  };
}

function send(child: ChildProcess, message: ToFeeder): void {
  child.send(message);
}

function hears<K extends FromFeeder['kind']>(child: ChildProcess, kind: K): Promise<Extract<FromFeeder, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: FromFeeder): void => {
      if (message.kind !== kind) return;
      child.off('message', onMessage).off('exit', onExit);
      resolve(message as Extract<FromFeeder, { kind: K }>);
    };
    const onExit = (): void => reject(new Error('the PBX of the bench ended'));
    child.on('message', onMessage).on('exit', onExit);
  });
}
