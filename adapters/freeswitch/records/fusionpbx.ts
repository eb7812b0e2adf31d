/**
 * The table `v_xml_cdr` in which FusionPBX keeps the records of mod_xml_cdr, as a place of records. One row is one leg; as FusionPBX
 * ships it, legs that another one called have no row, and stand in that of their caller alone.
 *
 * A service of FusionPBX imports what FreeSWITCH has written to files, every second or, in older versions, every minute; so the last
 * `IMPORT_MS` are not held to be complete.
 */
import type { CallRecords, RecordedCalls, WantedCall } from '../../../src/records/port.ts';
import type { ChannelId } from '../../../src/telephony/call-event.ts';
import { type CdrLeg, legEvents } from '../cdr/leg.ts';
import { bodyOfRow, type Row } from './fusionpbx-row.ts';
import { checkTables, failure, idsPresent, rowsByTime, rowsOf, tablesOf } from './fusionpbx-sql.ts';
import type { FusionPbxOptions } from './options.ts';
import { SkipTally } from './skipped.ts';
import { LOOK_MS, type Reading, type RecordedLeg, spanOf, type Weaving, weave } from './weave.ts';

/** How long a record may take from FreeSWITCH's file into the table, ms. */
const IMPORT_MS = 90_000;

/** See `CallRecords`. `close` ends what `close` of the options ends. */
export function createFusionPbxRecords(options: FusionPbxOptions): CallRecords {
  const { name, close } = options;
  return {
    name,
    read: (span, aheadMs) => wovenFrom(onClockOf(options, aheadMs), { span, lookMs: LOOK_MS }),
    find: (calls, aheadMs) => find(onClockOf(options, aheadMs), calls),
    check: () => checkTables(options),
    close: async () => close?.(),
  };
}

/** The end of what can be recorded is told by the clock that dates the records: that of the PBX. */
function onClockOf(options: FusionPbxOptions, aheadMs = 0): FusionPbxOptions {
  const now = options.now ?? Date.now;
  return { ...options, now: () => now() + aheadMs };
}

/** As of the folders of mod_json_cdr: nothing is read before a call has its row. */
async function* find(options: FusionPbxOptions, calls: readonly WantedCall[]): AsyncGenerator<RecordedCalls> {
  await tablesOf(options);
  const ids = calls.map(({ id }) => id);
  const wanted = new Set(await asked(options.name, () => idsPresent(options, ids)));
  const span = spanOf(calls.filter(({ id }) => wanted.has(id)));
  if (span !== null) yield* wovenFrom(options, { span, lookMs: 0, wanted });
}

async function* wovenFrom(options: FusionPbxOptions, { span, lookMs, wanted }: Reading) {
  const { name, source } = options;
  const skipped = new SkipTally();
  const began = (options.now ?? Date.now)();
  const until = Math.min(span.to + lookMs, began);
  const tables = await tablesOf(options);

  async function* legs() {
    let after: Place | null = null;
    for (let more = true; more; ) {
      const rows: readonly Row[] = await asked(name, () =>
        rowsByTime(options, tables, span.from - lookMs, until, after),
      );
      more = rows.length > 0;
      for (const row of rows) {
        after = { end: row.end_epoch ?? '0', id: row.xml_cdr_uuid ?? '' };
        yield { recordedAt: recordedAt(row), leg: legOf(row, name, source, skipped) };
      }
    }
  }

  const find = async (channels: readonly ChannelId[], weaving: Weaving) => {
    const found = new Map<ChannelId, RecordedLeg | 'later'>();
    for (const row of await asked(name, () => rowsOf(options, tables, channels))) {
      const at = recordedAt(row);
      if (at >= weaving.position && at <= until) found.set(row.xml_cdr_uuid ?? '', 'later');
      else {
        const leg = legOf(row, name, source, skipped);
        if (leg !== null) found.set(leg.channel, { leg, recordedAt: at });
      }
    }
    return found;
  };

  const completeTo = () => began - IMPORT_MS;
  yield* weave({ ...(wanted === undefined ? {} : { wanted }), span, source, legs, find, skipped, completeTo });
}

interface Place {
  readonly end: string;
  readonly id: string;
}

/** The end of the second in which the leg ended, ms since the epoch. */
function recordedAt(row: Row): number {
  return (Math.floor(Number(row.end_epoch ?? 0)) + 1) * 1000 - 1;
}

function legOf(row: Row, name: string, source: string, skipped: SkipTally): CdrLeg | null {
  const place = `${name}: row ${row.xml_cdr_uuid}`;
  const body = wholeRecord(row);
  try {
    return legEvents(body ?? bodyOfRow(row), place, source);
  } catch {
    skipped.note(
      'row',
      `${place}: tells no times of a call; it was left out. See that start_epoch and end_epoch are filled.`,
    );
    return null;
  }
}

/** The record beside the columns; `null` when there is none, or it is cut off. */
function wholeRecord(row: Row): unknown {
  try {
    const body: unknown = JSON.parse(row.json ?? 'null');
    return typeof body === 'object' && body !== null && 'variables' in body && 'callflow' in body ? body : null;
  } catch {
    return null;
  }
}

async function asked<T>(name: string, question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    throw failure(name, error);
  }
}
