/** The live channels of FreeSWITCH, asked for after a (re)connect, when no event tells what happened before. */

import type { EslClient } from '../link/client.ts';
import { bodyText, type EslFrame } from '../link/codec.ts';
import { type EslEvent, eventOf, readJson } from '../link/event.ts';
import { rowsOf } from './snapshot.ts';

/** One channel in full, as `uuid_dump` gives it: the headers of an event named `CHANNEL_DATA`. */
export interface ChannelDump {
  readonly event: EslEvent;
  readonly frame: EslFrame;
}

/** FreeSWITCH answered the question for its channels, but not with a list. The message is what it said. */
export class NoList extends Error {}

/**
 * Rows of `show channels as json` (`uuid`, `direction`, `created_epoch` in s, `name`, `callstate`, `call_uuid`...), none
 * when no channel lives: FreeSWITCH then sends `{"row_count": 0}` without rows. Throws `NoList` when the answer is anything
 * else, another Error when there is none.
 */
export async function listChannels(client: EslClient): Promise<readonly EslEvent[]> {
  const reply = await client.query('show channels as json', (frame) => {
    const text = bodyText(frame);
    return text.startsWith('-') || text.includes('"row_count"');
  });
  const text = bodyText(reply);
  const answer = rowsOf(text);
  if (answer === null) throw new NoList(text.trim());
  return answer.flatMap((row) => eventOf(row) ?? []);
}

/** FreeSWITCH answered, but the answer cannot be read; it would be the same if it were asked again. */
export class Unreadable extends Error {}

/**
 * Everything known about one live channel; `null` when it has just gone. Throws `Unreadable` when the answer cannot be read,
 * another Error when there is none.
 */
export async function dumpChannel(client: EslClient, uuid: string): Promise<ChannelDump | null> {
  if (/[^\x21-\x7e]/.test(uuid)) throw new Unreadable('A channel uuid must not hold white space or odd characters.');
  const frame = await client.query(`uuid_dump ${uuid} json`, (reply) => {
    const text = bodyText(reply);
    const [, named] = /"Unique-ID"\s*:\s*"([^"]*)"/.exec(text) ?? [];
    return named === uuid || (named === undefined && /^(?:\{|-ERR No such)/.test(text));
  });
  const text = bodyText(frame);
  if (text.startsWith('-ERR')) return null;
  const reading = readJson(text);
  if ('problem' in reading) throw new Unreadable(`The answer of FreeSWITCH to "uuid_dump" ${reading.problem}.`);
  return { event: reading.event, frame };
}
