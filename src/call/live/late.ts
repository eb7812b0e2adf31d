/** Facts of a call that the PBX tells only after the call has been reported: the names of its recordings. */
import { type CallEvent, type ChannelId, channelOf } from '../../telephony/call-event.ts';
import { OldestFirst } from '../../telephony/oldest.ts';
import type { CallRecord } from '../record.ts';
import { distinctRecordings, flagsWith } from '../recordings.ts';
import type { Channel } from './state.ts';

/** Channels of reported calls for which late facts are awaited; older ones are beyond the time in which a PBX writes its CDR. */
export const REMEMBERED = 4000;

export class LateFacts {
  /** All channels of a call share one holder of its newest record. */
  private readonly reported = new Map<ChannelId, { record: CallRecord }>();
  private readonly oldest = new OldestFirst(this.reported);

  remember(record: CallRecord, channels: Iterable<Channel>): void {
    const holder = { record };
    for (const { id } of channels) {
      this.reported.delete(id);
      this.reported.set(id, holder);
      if (this.reported.size > REMEMBERED) this.reported.delete(this.oldest.next() ?? id);
    }
  }

  /** The records that the event completes. A recording counts only for a call that was answered; the first one stays the main one. */
  take(event: CallEvent): CallRecord[] {
    if (event.kind !== 'recording' || event.file === null) return [];
    const holder = this.reported.get(channelOf(event) ?? '');
    if (holder === undefined) return [];
    const { record } = holder;
    if (record.status !== 'Answered') return [];
    const recordings = distinctRecordings([...record.recordings, event.file]);
    if (recordings.length === record.recordings.length) return [];
    const flags = flagsWith(recordings, record.flags);
    holder.record = { ...record, recording: record.recording ?? event.file, recordings, flags };
    return [holder.record];
  }
}
