/**
 * The whole way of an event, from the socket to the disk: CPU of the daemon's process an event, beside that of the library
 * that only parses the same bytes from the same kind of socket. Then memory, and what the events take on the disk beside the
 * rows of version 0.1.
 */
import { diskUse } from '../support/disk.ts';
import type { Pbx } from '../support/recorded.ts';
import type { Line, Options } from '../support/report.ts';
import { LIBRARY, sharedRun, throughLibrary, tilesFor } from '../support/storm-run.ts';

const EVENTS = 200_000;
const SHORT: Readonly<Record<Pbx, number>> = { asterisk: 13_000, freeswitch: 7000 };
/** The most that the CPU of the whole path may be of bare parsing. */
const MOST: Readonly<Record<Pbx, number>> = { asterisk: 1, freeswitch: 1.2 };

async function linesOf(pbx: Pbx, { short, print }: Options): Promise<Line[]> {
  const tiles = tilesFor(pbx, short ? SHORT[pbx] : EVENTS);
  const library = await throughLibrary(pbx, tiles);
  const daemon = await sharedRun(pbx, tiles);
  // Once before and once after, so that what else the machine does falls on neither alone.
  const again = short ? library : await throughLibrary(pbx, tiles);
  const parsing = Math.min(library.micros, again.micros);
  const disk = await diskUse(pbx, short || pbx === 'freeswitch' ? 1 : 4);
  const rate = Math.round(daemon.events / daemon.seconds).toLocaleString('en');
  print(`${pbx}: ${daemon.events} events, ${(daemon.bytes / 1e6).toFixed(0)} MB, taken at ${rate} a second`);
  const lost = [...new Set([library, again])].reduce((sum, one) => sum + one.lost, 0);
  if (lost > 0) print(`${LIBRARY[pbx]} lost its link ${lost} times; events on their way then cost it nothing`);
  return [
    {
      measure: `${pbx} whole path, CPU an event, beside ${LIBRARY[pbx]} parsing`,
      unit: 'us',
      value: daemon.micros,
      baseline: parsing,
      bar: { on: 'ratio', most: MOST[pbx] },
      ...(daemon.refused === 0 ? {} : { note: `the journal refused events (${daemon.refused} times)` }),
    },
    {
      measure: `${pbx} whole path, events that did not arrive`,
      unit: '',
      value: daemon.missing,
      bar: { on: 'value', most: 0 },
    },
    { measure: `${pbx} peak RSS, beside ${LIBRARY[pbx]}`, unit: 'MB', value: daemon.peakMb, baseline: again.peakMb },
    {
      measure: `${pbx} on disk an event, hot, beside rows of 0.1`,
      unit: 'bytes',
      value: disk.hot,
      baseline: disk.rows,
      bar: { on: 'ratio', most: 1 / 2 },
    },
    {
      measure: `${pbx} on disk an event, sealed, beside rows of 0.1`,
      unit: 'bytes',
      value: disk.sealed,
      baseline: disk.rows,
      bar: { on: 'ratio', most: 1 / 20 },
    },
    {
      measure: `${pbx} on disk an event, with its share of calls and deliveries`,
      unit: 'bytes',
      value: daemon.databaseBytes,
    },
  ];
}

export async function run(options: Options): Promise<Line[]> {
  return [...(await linesOf('asterisk', options)), ...(await linesOf('freeswitch', options))];
}
