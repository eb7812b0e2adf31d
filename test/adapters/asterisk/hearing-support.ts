/** An Asterisk that is asked for its counts and lists, and whose time passes only when it is told. */
import { createAsteriskSource } from '../../../adapters/asterisk/source.ts';
import type { SourceFrame, SourceStatus } from '../../../src/ports.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { acceptLogin, FakeClock, Inbox, type Peer, scriptedServer } from './support.ts';

/** As of hearing.ts. */
export const LOOK_MS = 3_000;
/** As `bootDeadlineMs` of client-options.ts. */
const BOOT_MS = 3_000;

export interface Counts {
  readonly live: number;
  readonly total?: number;
}

/** `first`: the counts when the channels have been listed, and each time that is done again. */
export async function bench(
  t: { teardown(run: () => Promise<void>): unknown },
  listed: readonly string[] = [],
  first: Counts = { live: listed.length },
  booted = true,
  onStatus: (status: SourceStatus) => void = () => {},
  onFrame: (frame: SourceFrame) => void = () => {},
) {
  const server = await scriptedServer();
  const clock = new FakeClock();
  const statuses = new Inbox<SourceStatus>();
  const kinds: string[] = [];
  const events: CallEvent[] = [];
  const who = { name: 'pbx', host: '127.0.0.1', port: server.port, username: 'logcalld', secret: 's', clock };
  const source = createAsteriskSource({ ...who, pingIntervalMs: 1_000_000, retryMs: () => 0 });
  source.start(
    (frame) => {
      kinds.push(...frame.events.map(({ kind }) => kind));
      events.push(...frame.events);
      onFrame(frame);
    },
    (status) => {
      statuses.push(status);
      onStatus(status);
    },
  );
  t.teardown(async () => {
    await source.stop();
    await server.close();
  });
  const taken = new Map<Peer, number>();
  /** The next action of that name that has not been answered. */
  const next = async (peer: Peer, name: string): Promise<string> => {
    const from = taken.get(peer) ?? 0;
    const action = await peer.actions.find((one) => one.get('Action') === name, from);
    taken.set(peer, peer.actions.items.indexOf(action) + 1);
    return `ActionID: ${action.get('ActionID')}`;
  };
  const list = async (peer: Peer, channels: readonly string[] = listed): Promise<void> => {
    const id = await next(peer, 'Status');
    peer.packet('Response: Success', id, 'EventList: start');
    for (const one of channels)
      peer.packet('Event: Status', id, 'Channel: PJSIP/1001-1', `Uniqueid: ${one}`, `Linkedid: ${one}`);
    const looking = clock.timer(LOOK_MS);
    peer.packet('Event: StatusComplete', id, 'EventList: Complete', `ListItems: ${channels.length}`);
    await looking;
    await answer(peer, first);
  };
  /** Time for a look passes, and the PBX answers it. */
  const look = async (peer: Peer, counts: Counts): Promise<void> => {
    clock.advance(LOOK_MS);
    await answer(peer, counts);
  };
  const answer = async (peer: Peer, { live, total }: Counts): Promise<void> => {
    const id = await next(peer, 'CoreStatus');
    const more = total === undefined ? [] : [`CoreProcessedCalls: ${total}`];
    peer.packet('Response: Success', id, `CoreCurrentCalls: ${live}`, ...more);
    await heard(peer);
  };
  /** Whatever was sent before has been taken. */
  const heard = async (peer: Peer): Promise<void> => {
    const before = source.status().frames;
    peer.packet('Event: ContactStatus', 'URI: none');
    while (source.status().frames === before) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  };
  const peer = await server.peers.find(() => true);
  const waits = clock.timer(BOOT_MS);
  await acceptLogin(peer, booted);
  if (!booted) await waits.then(() => clock.advance(BOOT_MS));
  await list(peer);
  return { server, clock, source, statuses, kinds, events, peer, look, list, heard, next };
}

/** The lines of an event of a channel. */
export const event = (name: string, id: string) => [
  `Event: ${name}`,
  'Channel: PJSIP/1001-1',
  `Uniqueid: ${id}`,
  `Linkedid: ${id}`,
];
