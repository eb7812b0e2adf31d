/** Every event of the business once: its level, its name, its text and its fields. */
import type { CallRecord } from './call/record.ts';
import type { ClockNews, Log, SourceStatus } from './ports.ts';
import type { Gap } from './records/gaps.ts';
import { goingOn, settlement } from './records/text.ts';
import { Phone } from './telephony/mask.ts';

const phone = (number: string | null) => (number === null ? null : new Phone(number));

const iso = (ms: number): string => new Date(ms).toISOString();

const about = ({ source, beganAt, endedAt }: Gap) => ({
  pbx: source,
  from: iso(beganAt),
  to: endedAt === null ? null : iso(endedAt),
});

export const events = {
  callEnded(log: Log, record: CallRecord): void {
    log.write('info', 'call-ended', `${record.direction} ${record.status}`, {
      call: record.callSessionId,
      pbx: record.source,
      external: record.withheld ? 'withheld' : phone(record.externalE164 ?? record.external),
      did: phone(record.did),
      agent: record.agent,
      duration_s: record.durationSeconds,
      talk_s: record.talkSeconds,
      ...(record.flags.length === 0 ? {} : { flags: record.flags }),
    });
  },

  /** A refused login is an error: only the administrator can mend it. A lost link is a warning, told once. */
  sourceStatus(log: Log, status: SourceStatus): void {
    const { name: pbx, state, problem } = status;
    const text = problem ?? `${pbx}: ${state}`;
    if (state === 'refused') log.write('error', 'pbx-refused', text, { pbx });
    else if (state === 'lost') log.write('warn', 'pbx-lost', text, { pbx });
    else if (problem !== null) log.write('warn', 'pbx-problem', text, { pbx });
    else log.write(state === 'connected' ? 'notice' : 'info', `pbx-${state}`, text, { pbx });
  },

  /** A PBX is heard wholly again. */
  gapEnded(log: Log, gap: Gap): void {
    const seconds = Math.round(((gap.endedAt ?? gap.beganAt) - gap.beganAt) / 1000);
    const text = `${gap.source} was not heard for ${seconds} s (${gap.reason}); ${goingOn(gap)}`;
    log.write('warn', 'gap', text, { ...about(gap), seconds, calls_going_on: gap.live });
  },

  /** What became of the calls of a gap. */
  gapSettled(log: Log, gap: Gap): void {
    const { created, completed, state } = gap;
    const level = state === 'filled' ? 'notice' : 'warn';
    log.write(level, `gap-${state}`, `${gap.source}: ${settlement(gap)}`, { ...about(gap), created, completed });
  },

  /** Calls that only the PBX's own records told of, though the link stood. */
  unheard(log: Log, pbx: string, calls: number): void {
    const text = `${pbx}: ${calls} ${calls === 1 ? 'call' : 'calls'} that nobody heard, logged from the PBX's own records`;
    log.write('warn', 'calls-not-heard', text, { pbx, calls });
  },

  /** The wall clock was set, or this program stood still. */
  clock(log: Log, news: ClockNews): void {
    if (news.kind === 'stepped') {
      const text = `The clock of this machine was set ${news.by < 0 ? 'back' : 'forward'} by ${Math.abs(news.by) / 1000} s: calls that were going on are marked where their times were moved with it.`;
      log.write('warn', 'clock-stepped', text, { by_ms: news.by });
    } else {
      const text = `logcalld stood still for ${news.ms / 1000} s (stopped, or this machine was): calls of which something was heard only then, without a time of the PBX, are marked.`;
      log.write('warn', 'stalled', text, { ms: news.ms });
    }
  },

  warning(log: Log, subject: string, text: string): void {
    log.write('warn', 'warning', text, { subject });
  },
};
