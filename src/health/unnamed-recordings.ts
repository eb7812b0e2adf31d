/** Recordings of which the PBX told no file name: they cannot be linked. */
import type { CallRecord } from '../call/record.ts';
import { UNNAMED } from '../call/recordings.ts';
import type { Advice } from './number-advice.ts';
import { WINDOW_MS } from './shares.ts';

/** Recorded calls in a row without a name: one may have lost its call record, three are the set-up. */
const IN_A_ROW = 3;

/** Calls kept. */
const KEPT = 50;

interface Recorded {
  readonly id: string;
  readonly endedAt: number;
  readonly named: boolean;
}

export class UnnamedRecordings {
  private calls: readonly Recorded[] = [];

  note(record: CallRecord): void {
    const { callSessionId: id, endedAt, recordings, flags } = record;
    const others = this.calls.filter((one) => one.id !== id);
    const named = recordings.length > 0;
    if (!named && !flags.includes(UNNAMED)) {
      this.calls = others;
      return;
    }
    const at = others.findLastIndex((one) => one.endedAt <= endedAt) + 1;
    this.calls = others.toSpliced(at, 0, { id, endedAt, named }).slice(-KEPT);
  }

  /** What to tell at `now` (ms since the epoch); `null` after the first name, and while there are too few to say. */
  advice(source: string, now: number): Advice | null {
    this.calls = this.calls.filter(({ endedAt }) => endedAt > now - WINDOW_MS);
    const row = this.calls.length - 1 - this.calls.findLastIndex(({ named }) => named);
    if (row < IN_A_ROW) return null;
    const count = row === KEPT ? `${KEPT} calls and more` : `${row} calls`;
    return {
      text:
        `${source}: ${count} were recorded, and the PBX told no file name, so LeadSquared gets no link. On FreePBX the call records ` +
        'tell it to an AMI user with "cdr" in his line "read", by one line in /etc/asterisk/cdr_manager_mapping_custom.conf, then: ' +
        'asterisk -rx "module reload cdr_manager.so". On another Asterisk: channelvars = MIXMONITOR_FILENAME in the section [general] of manager.conf.',
      lines: ['# /etc/asterisk/cdr_manager_mapping_custom.conf of the PBX:', 'recordingfile => recordingfile'],
    };
  }
}
