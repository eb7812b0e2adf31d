/** Which record is that of a call that was heard, and whether it tells all of it. */
import type { CallRecord } from '../record.ts';
import type { CdrCall } from './calls.ts';

/** Records tell whole seconds, and the clocks of a PBX and of its watcher may differ a little, ms. */
export const MARGIN_MS = 5000;

/**
 * The call as the records know it: under the same id, or where they begin with a later channel of it, under any id of its channels
 * that names one call only.
 *
 * @param known ids of the calls that were heard
 */
export function matching(
  cdr: readonly CdrCall[],
  known: ReadonlySet<string>,
): (heard: CallRecord) => CdrCall | undefined {
  const exact = new Map(cdr.map((call) => [call.record.callSessionId, call]));
  const byChannel = new Map<string, CdrCall | null>();
  for (const call of cdr) {
    if (known.has(call.record.callSessionId)) continue;
    for (const id of call.ids) byChannel.set(id, byChannel.has(id) ? null : call);
  }
  return (heard) => exact.get(heard.callSessionId) ?? byChannel.get(idOf(heard)) ?? undefined;
}

/**
 * True for records that tell the whole call: the channel that names it, and as far as it is known to have lived. The PBX writes those of
 * other legs (each attempt of a queue) before, and those of a batch or of its last seconds later or never.
 */
export function isWhole({ record, channels }: CdrCall, heard: CallRecord): boolean {
  const livedUntil = heard.endBetween?.from ?? heard.endedAt;
  const overBy = record.endBetween === null || record.endBetween === undefined ? record.endedAt : record.endBetween.to;
  return channels.has(idOf(heard)) && (overBy === null || overBy + MARGIN_MS >= livedUntil);
}

/** Ids of those among the calls that were heard of which the records do not tell all yet. */
export function toldInPart(heard: readonly CallRecord[], cdr: readonly CdrCall[]): string[] {
  const recordOf = matching(cdr, new Set(heard.map(({ callSessionId }) => callSessionId)));
  return heard.flatMap((call) => {
    const own = recordOf(call);
    return own !== undefined && isWhole(own, call) ? [] : [call.callSessionId];
  });
}

const idOf = ({ callSessionId, source }: CallRecord): string => callSessionId.slice(source.length + 1);
