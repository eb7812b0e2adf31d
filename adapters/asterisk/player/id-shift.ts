/**
 * Moves the channel ids of a recording to the time of its replay.
 *
 * Asterisk names a channel `<second of its creation>.<counter>`, with the system name in front where one is set. Each id
 * that occurs in a recording is given the second at which the replay reaches it, and the next number of a counter that
 * never starts again in this process. So ids keep their order, no two channels share one even where the recorded PBX
 * restarted and counted from 0 again, and two replays never share one: their counters differ within a process, their
 * seconds between processes that run one after the other.
 */
import type { AmiPacket } from '../link/packet.ts';

const ID = /(?<!\d)\d{10}\.\d{1,9}(?!\d)/g;

export class IdShift {
  static #counter = 0;
  readonly #known = new Set<string>();
  readonly #given = new Map<string, string>();
  readonly #toReplay: (recordedMs: number) => number;

  /**
   * `packets`: all that will be rewritten; only what they name as an id is replaced, wherever it occurs. `toReplay`:
   * ms since the epoch in the recording to ms since the epoch in the replay.
   */
  constructor(packets: Iterable<AmiPacket>, toReplay: (recordedMs: number) => number) {
    this.#toReplay = toReplay;
    for (const packet of packets) {
      for (const [name, value] of packet.headers) {
        if (/(?:unique|linked)id$/i.test(name)) for (const [id] of value.matchAll(ID)) this.#known.add(id);
      }
    }
  }

  /** The bytes with every known id replaced, also within file names and the like, and `Timestamp` moved. */
  rewrite(raw: Uint8Array): Buffer {
    // latin1 maps each byte to one character and back, so that bytes that are not UTF-8 stay as they are.
    const text = Buffer.from(raw).toString('latin1');
    const shifted = text
      .replace(/^Timestamp: (\d{10}\.\d+)/m, (_, at: string) => {
        return `Timestamp: ${(this.#toReplay(Number(at) * 1000) / 1000).toFixed(6)}`;
      })
      .replace(ID, (id) => (this.#known.has(id) ? this.#replacement(id) : id));
    return Buffer.from(shifted, 'latin1');
  }

  #replacement(id: string): string {
    const given = this.#given.get(id);
    if (given !== undefined) return given;
    const second = Math.floor(this.#toReplay(Number(id.slice(0, 10)) * 1000) / 1000);
    const fresh = `${second}.${IdShift.#counter++}`;
    this.#given.set(id, fresh);
    return fresh;
  }
}
