/** Numbers that were erased: the PBX still has the records of their calls, and what is read again must not bring them back. */
import type { CallRecord } from '../call/record.ts';

/** A number that is erased. */
export interface ErasedNumber {
  /** Its national digits. */
  readonly digits: string;
  /** In E.164 form; a call whose number is known and another one is left alone. `null`: not known. */
  readonly e164: string | null;
  /** Calls that began by then are erased, ms since the epoch, on our clock. */
  readonly upTo: number;
}

/** The store of erasures, which names no number. */
export interface Erasures {
  note(number: ErasedNumber): Promise<void>;
  /** Ids of those calls that were erased, or would have been. `aheadMs`: how far their clock is ahead of ours. */
  covered(args: { records: readonly CallRecord[]; aheadMs: number }): Promise<readonly string[]>;
}
