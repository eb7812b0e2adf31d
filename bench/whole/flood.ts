/**
 * A flood: events as fast as the socket takes them. No link may be lost and memory must stay bounded. The longest blocked write
 * says what a PBX would have seen: Asterisk drops an AMI client that takes nothing for `writetimeout` (100 ms unless
 * manager.conf says otherwise), FreeSWITCH queues 100,000 events for a client before it throws some away.
 */
import { AMI_WRITE_TIMEOUT_MS } from '../support/feeder/protocol.ts';
import type { Pbx } from '../support/recorded.ts';
import type { Line, Options } from '../support/report.ts';
import { sharedRun, tilesFor } from '../support/storm-run.ts';

const EVENTS = 1_000_000;
/** As in `whole-path`, whose run serves both then. */
const SHORT: Readonly<Record<Pbx, number>> = { asterisk: 13_000, freeswitch: 7000 };

async function linesOf(pbx: Pbx, { short, print }: Options): Promise<Line[]> {
  const run = await sharedRun(pbx, tilesFor(pbx, short ? SHORT[pbx] : EVENTS));
  print(`${pbx}: ${run.events} events in ${run.seconds.toFixed(1)} s, ${run.blockedTooLong} writes longer than 100 ms`);
  return [
    {
      measure: `${pbx} flood, links lost`,
      unit: '',
      value: Math.max(run.lost, run.lostLinks),
      bar: { on: 'value', most: 0 },
    },
    { measure: `${pbx} flood, events lost`, unit: '', value: run.missing + run.refused, bar: { on: 'value', most: 0 } },
    { measure: `${pbx} flood, peak RSS`, unit: 'MB', value: run.peakMb, bar: { on: 'value', most: 180 } },
    {
      measure: `${pbx} flood, longest blocked write`,
      unit: 'ms',
      value: run.longestBlockedMs,
      ...(pbx === 'asterisk' ? { bar: { on: 'value', most: AMI_WRITE_TIMEOUT_MS } as const } : {}),
    },
  ];
}

export async function run(options: Options): Promise<Line[]> {
  return [...(await linesOf('asterisk', options)), ...(await linesOf('freeswitch', options))];
}
