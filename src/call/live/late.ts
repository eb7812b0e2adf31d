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

  remember(record: CallRecord, channels: Iterable<Pick<Channel, 'id'>>): void {
    const holder = { record };
    for (const { id } of channels) {
      this.reported.delete(id);
      this.reported.set(id, holder);
      if (this.reported.size > REMEMBERED) this.reported.delete(this.oldest.next() ?? id);
    }
  }

  /** Newer facts of calls that are known, which somebody else has stored; `gone`: calls that are stored no longer. */
  correct(records: readonly CallRecord[], gone: readonly string[]): void {
    const dropped = new Set(gone);
    if (dropped.size > 0)
      for (const [id, { record }] of this.reported) if (dropped.has(record.callSessionId)) this.reported.delete(id);
    const byId = new Map(records.map((record) => [record.callSessionId, record]));
    for (const holder of new Set(this.reported.values()))
      holder.record = byId.get(holder.record.callSessionId) ?? holder.record;
  }

  /** Ids of the calls that are known. */
  calls(): readonly string[] {
    return [...new Set([...this.reported.values()].map(({ record }) => record.callSessionId))];
  }

  /** Knows what `past` knows, by these records, as far as there are any, and of those channels that are not open. */
  takeOver(past: LateFacts, records: readonly CallRecord[], isOpen: (channel: ChannelId) => boolean): void {
    const byId = new Map(records.map((record) => [record.callSessionId, record]));
    for (const [{ record }, entries] of Map.groupBy(past.reported, ([, holder]) => holder)) {
      const newest = byId.get(record.callSessionId);
      if (newest === undefined) continue;
      const channels = entries.flatMap(([id]) => (isOpen(id) ? [] : [{ id }]));
      this.remember(newest, channels);
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
