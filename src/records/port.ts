/**
 * What the core asks of the places where a PBX keeps its own records of calls: tables of call detail records (CDR) and of
 * channel events (CEL), files, folders. They fill gaps: calls that began, ended or happened wholly while nobody listened.
 */
import type { Span } from '../call/cdr/coverage.ts';
import type { CallEvent } from '../telephony/call-event.ts';

/** Records that could not be used, each left out alone. */
export interface SkippedRecords {
  readonly count: number;
  /** What is wrong with the first of them: one sentence that names the place and the remedy, without numbers or names of people. */
  readonly why: string;
}

/** Some calls that were recorded. */
export interface RecordedCalls {
  /** What the records say, as call events in no particular order; a call of which they tell is told wholly. */
  readonly events: readonly CallEvent[];
  readonly skipped: readonly SkippedRecords[];
}

/** A part of what was recorded. */
export interface RecordsPage extends RecordedCalls {
  /**
   * Everything recorded up to then is told; a reading that was broken off goes on from here. Of the last page it may lie before the
   * end of the span, where calls are not recorded wholly yet: read again later. ms since the epoch, UTC.
   */
  readonly upTo: number;
}

/** A call that is looked for. */
export interface WantedCall {
  /** As events name it: its linked id, or the id of a channel of it. */
  readonly id: string;
  /** It is recorded in that time, on the clock of the PBX, if it is recorded yet. */
  readonly span: Span;
}

/** What is known of a place without reading any call. */
export interface RecordsCheck {
  /** Why it cannot be read, one sentence with the remedy; `null` when it can. */
  readonly problem: string | null;
  /** What its settings keep from being recorded, with the exact lines to add, a sentence each. */
  readonly hints: readonly string[];
}

/** One place where a PBX keeps records. It keeps no position of its own: who reads knows how far it came. */
export interface CallRecords {
  /** For messages, e.g. `MariaDB asteriskcdrdb (cel, cdr)` or `/var/log/asterisk/cdr-csv/Master.csv`. */
  readonly name: string;
  /**
   * All calls of which something was recorded in `span`, wholly, in pages of a size that does not depend on the span. A call may
   * stand in more than one page. Rejects with a `RecordsError` when the place cannot be read: the caller tries again later.
   *
   * @param span on the clock of the PBX
   * @param aheadMs how far that clock is ahead of this machine's, ms
   */
  read(span: Span, aheadMs?: number): AsyncIterable<RecordsPage>;
  /**
   * These calls, as far as they are recorded. They are looked for by their ids wherever the place can be asked for one, so that a call
   * that is not recorded yet costs little. In parts; of other calls something may be told as well. Rejects as `read` does.
   */
  find(calls: readonly WantedCall[], aheadMs?: number): AsyncIterable<RecordedCalls>;
  /** Never rejects. */
  check(): Promise<RecordsCheck>;
  close(): Promise<void>;
}

/** A place that cannot be read now; the message is one sentence that names it and the remedy. */
export class RecordsError extends Error {
  override readonly name = 'RecordsError';
}
