/**
 * Packets per second of the AMI codec, beside asterisk-manager 0.2.0 on the same bytes.
 *
 * Both get the recorded storm (900 calls in 60 s, event filter on) in chunks of 64 KB from memory, and both decode the
 * bytes. No socket is between: for asterisk-manager a stand-in takes the place of its connection.
 */
import { EventEmitter } from 'node:events';
import net from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import createManager from 'asterisk-manager';
import { AmiParser } from '../../adapters/asterisk/link/codec.ts';
import { readFrames } from '../../adapters/asterisk/player/recording.ts';
import type { Line, Options } from '../support/report.ts';

const STORM = new URL('../../test/fixtures/recordings/asterisk-22/storm_60s/events-filtered.jsonl.gz', import.meta.url);
const CHUNK = 64 * 1024;
const ROUNDS = 5;
const ROUNDS_SHORT = 3;

/** What asterisk-manager wants of a socket, and no more. */
class Wire extends EventEmitter {
  readonly readyState = 'open';
  readonly #decoder = new StringDecoder('utf8');
  setKeepAlive(): void {}
  setNoDelay(): void {}
  setEncoding(): void {}
  write(): void {}
  end(): void {}
  feed(chunk: Buffer): void {
    this.emit('data', this.#decoder.write(chunk));
  }
}

function chunksOf(stream: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < stream.length; at += CHUNK) chunks.push(stream.subarray(at, at + CHUNK));
  return chunks;
}

async function ours(chunks: readonly Buffer[]): Promise<number> {
  let packets = 0;
  const fail = (error: Error) => {
    throw error;
  };
  const parser = new AmiParser({
    onGreeting: () => {},
    onPacket: () => packets++,
    onSkipped: (what) => fail(new Error(what)),
    onError: fail,
  });
  for (const chunk of chunks) {
    parser.push(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return packets;
}

async function theirs(chunks: readonly Buffer[]): Promise<number> {
  const wire = new Wire();
  const real = net.createConnection;
  Object.assign(net, { createConnection: () => wire });
  const manager = createManager(1, '127.0.0.1', 'u', 's', true);
  Object.assign(net, { createConnection: real });
  let packets = 0;
  manager.on('rawevent', () => packets++);
  for (const chunk of chunks) {
    wire.feed(chunk);
    // It emits each packet's own events in later ticks; those belong to its work.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return packets;
}

/** Best of some rounds, the two taking turns, in packets per second. */
async function measure(chunks: readonly Buffer[], rounds: number) {
  const best = { ours: 0, theirs: 0, packets: 0 };
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, parse] of [
      ['ours', ours],
      ['theirs', theirs],
    ] as const) {
      const began = performance.now();
      const packets = await parse(chunks);
      best[name] = Math.max(best[name], packets / ((performance.now() - began) / 1000));
      if (best.packets !== 0 && best.packets !== packets)
        throw new Error('the two parsers read different numbers of packets');
      best.packets = packets;
    }
  }
  return best;
}

/** Throws when the two do not find the same number of packets. */
export async function run({ short, print }: Options): Promise<Line[]> {
  const stream = Buffer.concat(readFrames(STORM.pathname).map(({ raw }) => raw));
  const rounds = short ? ROUNDS_SHORT : ROUNDS;
  const { ours: value, theirs: baseline, packets } = await measure(chunksOf(stream), rounds);
  print(`AMI codec: ${packets} packets, ${(stream.length / 1e6).toFixed(1)} MB, best of ${rounds} rounds`);
  return [{ measure: 'decoding AMI, beside asterisk-manager', unit: 'packets/s', value, baseline }];
}
