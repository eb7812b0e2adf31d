/** What `tail` is told, as lines for people or objects for programs. */
import type { TailLine } from '../../../adapters/control/stream.ts';
import type { Config } from '../../../config/schema.ts';
import type { SourcePlan } from '../../call/plan.ts';
import type { CallRecord } from '../../call/record.ts';
import { channelIdOf, timelineTeller } from '../../call/timeline.ts';
import { planOf } from '../../daemon/settings.ts';
import type { CallEvent } from '../../telephony/call-event.ts';
import { clockTime, count, external, type Privacy } from '../output.ts';
import { type Wanted, WatchedCalls } from './watched-calls.ts';

/** What is told at once; `--json` prints it as it is, in one line. Times: ms since the epoch. */
export interface Shown {
  readonly kind: 'event' | 'live' | 'ended' | 'delivery' | 'raw' | 'dropped';
  readonly at: number | null;
  readonly source: string | null;
  /** As the PBX names the call. */
  readonly call: string | null;
  readonly who: string;
  readonly text: string;
}

interface Pbx {
  readonly plan: SourcePlan;
  readonly calls: WatchedCalls;
  readonly tell: ReturnType<typeof timelineTeller>;
}

/** Makes the lines of what is told: each is printed by itself. */
export type Write = (shown: Shown) => readonly string[];

/** Turns what the daemon tells into the lines that are printed. What `write` makes may be held back and is handed over later. */
export function tailLines(
  config: Config,
  wanted: Wanted,
  secrecy: Privacy,
  write: Write,
): (line: TailLine) => readonly string[] {
  const every = new WatchedCalls(wanted);
  const pbxs = new Map(
    config.source.map((source): [string, Pbx] => {
      const plan = planOf(source);
      const tell = timelineTeller(plan, (number) => secrecy.number(number));
      return [source.name, { plan, calls: new WatchedCalls(wanted), tell }];
    }),
  );
  const ofRecord = (record: CallRecord, kind: Shown['kind'], at: number, text: string): readonly string[] =>
    every.wants(record) ? write({ kind, at, source: record.source, call: channelIdOf(record), who: '', text }) : [];

  const frame = ({ source, at, events, raw }: Extract<TailLine, { frame: unknown }>['frame']): readonly string[] => {
    const pbx = pbxs.get(source);
    if (pbx === undefined) return [];
    let rawTold = raw === null;
    return events.flatMap((event) => {
      const call = pbx.calls.of(event, pbx.plan);
      const told = pbx.tell(event);
      const lines = told === null ? aboutLink(event) : [told];
      const base = { source, call: call?.key ?? null };
      const shown = lines.map(({ at: time, who, what }) =>
        write({ ...base, kind: 'event', at: time, who, text: what }),
      );
      if (!rawTold) shown.push(write({ ...base, kind: 'raw', at, who: '', text: raw ?? '' }));
      rawTold = true;
      if (call === null) return shown.flat();
      return shown.flatMap((each) => pbx.calls.shown(call, each));
    });
  };

  return (line) => {
    if ('frame' in line) return frame(line.frame);
    if ('live' in line) {
      pbxs.get(line.live.source)?.calls.known(line.live, line.channels);
      const { direction, startedAt } = line.live;
      return ofRecord(line.live, 'live', startedAt, `goes on: ${direction} ${parties(line.live, secrecy)}`);
    }
    if ('ended' in line) {
      const { ended: record, unposted } = line;
      const { direction, status, durationSeconds, endedAt } = record;
      const what = `ended: ${direction} ${status} ${parties(record, secrecy)}, ${durationSeconds} s`;
      const more =
        unposted === null ? [] : ofRecord(record, 'delivery', endedAt, `not posted: ${secrecy.text(unposted)}`);
      return [...ofRecord(record, 'ended', endedAt, what), ...more];
    }
    if ('step' in line) {
      const { record, at } = line.step;
      const text = stepText(line.step, secrecy);
      return text === null ? [] : ofRecord(record, 'delivery', at, text);
    }
    // What was left out may have been of any call.
    const text = `${count(line.dropped, 'line was', 'lines were')} left out: this command did not read them in time.`;
    return write({ kind: 'dropped', at: null, source: null, call: null, who: '', text });
  };
}

function parties(record: CallRecord, secrecy: Privacy): string {
  const outside = record.direction === 'Internal' ? (record.agentsRung[0] ?? '-') : external(record, secrecy);
  const inside = record.agent ?? 'nobody';
  return record.direction === 'Inbound' ? `${outside} -> ${inside}` : `${inside} -> ${outside}`;
}

/** What a timeline of one call does not tell. */
function aboutLink(event: CallEvent): readonly { at: number; who: string; what: string }[] {
  return event.kind === 'source-connected' ? [{ at: event.at, who: '', what: 'the PBX is heard' }] : [];
}

function stepText(
  { from, to, reason, lead }: Extract<TailLine, { step: unknown }>['step'],
  secrecy: Privacy,
): string | null {
  const why = reason === null ? '' : `: ${secrecy.text(reason)}`;
  if (lead !== undefined) return lead === null ? 'no lead has the number' : `lead found: ${lead}`;
  switch (to) {
    case 'delivered':
      return from === 'update' ? `call log completed${why}` : `posted${why}`;
    case 'parked':
      return `parked until somebody sends it again${why}`;
    case 'skipped':
      return `not posted${why}`;
    case 'retrying':
      return `will be tried again${why}`;
    case 'uncertain':
      return `not known whether it arrived; it will be looked for${why}`;
    case 'pending':
    case 'sending':
      return null;
  }
}

/** Aligned as well as can be where nobody knows what comes: columns grow, and stay so. */
export function writer(secrecy: Privacy, several: boolean): Write {
  const widths = [0, 0, 0];
  return ({ kind, at, source, call, who, text }) => {
    if (kind === 'raw') {
      const lines = text.split(/\r?\n/).filter((line) => line !== '');
      return lines.map((line) => `    | ${secrecy.text(line)}`);
    }
    if (kind === 'dropped') return [text];
    const cells = [several ? (source ?? '') : '', call ?? '', who].map((cell) => secrecy.text(cell));
    const padded = cells.map((cell, n) => {
      widths[n] = Math.max(widths[n] ?? 0, Math.min(cell.length, MAX_WIDTH));
      return cell.padEnd(widths[n] ?? 0);
    });
    const time = at === null ? '' : clockTime(at);
    const line = [time, ...padded, secrecy.text(text)].filter((cell) => cell !== '').join('  ');
    return [line.trimEnd()];
  };
}

/** A FreeSWITCH uuid has 36 characters. */
const MAX_WIDTH = 36;
