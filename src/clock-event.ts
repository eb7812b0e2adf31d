/** What is told of the clock of this machine, as an event of each PBX. */
import type { ClockNews } from './ports.ts';
import type { CallEvent } from './telephony/call-event.ts';

export function clockEvent(source: string, news: ClockNews): CallEvent {
  const stamp = { source, at: news.at, receivedAt: news.at };
  if (news.kind === 'stalled') return { ...stamp, kind: 'stalled', ms: news.ms };
  return { ...stamp, kind: 'clock-stepped', clock: 'ours', by: news.by };
}
