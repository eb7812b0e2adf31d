/** What the tests of the player share. */
import type { AmiPacket } from '../../../../adapters/asterisk/link/packet.ts';
import { AmiPlayer, type AmiPlayerOptions } from '../../../../adapters/asterisk/player/player.ts';
import { readRecording } from '../../../../adapters/asterisk/player/recording.ts';
import { captures, watchedClient } from '../support.ts';

export const WHO = { username: 'crm-logger', secret: 's3cret' };

export function capture(scenario: string): string {
  const [path] = captures(new RegExp(scenario));
  if (path === undefined) throw new Error(`no recording ${scenario}`);
  return path;
}

export async function playing(options: Partial<AmiPlayerOptions> & { captures: readonly string[] }) {
  const player = new AmiPlayer({ ...WHO, speed: Infinity, settleMs: 20, ...options });
  return { player, port: await player.listen() };
}

export const eventsOf = (path: string) =>
  readRecording(path).connections.flatMap(({ events }) => events.map((one) => one.packet));
// A recorded packet may begin with the second empty line after the one before.
export const texts = (packets: readonly AmiPacket[]) =>
  packets.map(({ raw }) => Buffer.from(raw).toString('latin1').trimStart());
export const notBooted = (packet: AmiPacket) => packet.get('Event') !== 'FullyBooted';
export const listed = (packet: AmiPacket) => packet.get('ActionID')?.startsWith('logcalld-') === true;

/** Events of a recording as a client of the player receives them. */
export async function received(path: string, options: Partial<AmiPlayerOptions> = {}): Promise<AmiPacket[]> {
  const { player, port } = await playing({ captures: [path], ...options });
  const { client, packets, log } = watchedClient({ port });
  await player.done;
  const last = eventsOf(path).filter(notBooted).length;
  await log.find(() => packets().filter((one) => notBooted(one) && !listed(one)).length >= last);
  await client.close();
  await player.close();
  return packets();
}
