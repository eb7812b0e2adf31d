/**
 * A phone call activity as LeadSquared shows it. Its two methods name the same things differently (`Id` and
 * `ProspectActivityId`, `Data` as pairs or flat fields), and much of it is in a note of the form `Key{=}Value{next}...`.
 */
import { isObject, type JsonObject, listOf, numberOf, parseJson, textOf } from './json.ts';

export interface Activity {
  readonly id: string;
  readonly leadId: string | null;
  /** Our CallSessionId, when the activity still carries what was posted. */
  readonly callSessionId: string | null;
  /** Every time that may be the start, as `YYYY-MM-DD HH:MM:SS`. */
  readonly starts: readonly string[];
  readonly duration: number | null;
  /** Users named on it as those whose call it was. */
  readonly users: readonly string[];
  /** Who wrote it: the agent, or the user whose keys were used, as LeadSquared says of whatever is done by its API. */
  readonly writtenBy: string | null;
  /** Numbers named on it, digits only. */
  readonly numbers: readonly string[];
}

type Read = (name: string) => readonly string[];

function noteOf(note: string | null): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>();
  for (const pair of (note ?? '').split('{next}')) {
    const at = pair.indexOf('{=}');
    if (at < 0) continue;
    const key = pair.slice(0, at).trim();
    // UserId comes twice, the first time empty.
    values.set(key, [...(values.get(key) ?? []), pair.slice(at + 3)]);
  }
  return values;
}

/** All values a name has anywhere on the row. */
function reader(row: JsonObject): Read {
  const fields = isObject(row.ActivityFields) ? row.ActivityFields : {};
  const data = new Map<string, unknown>();
  if (isObject(row.Data)) for (const [key, value] of Object.entries(row.Data)) data.set(key, value);
  for (const pair of listOf(row.Data)) {
    const key = isObject(pair) ? textOf(pair.Key) : null;
    if (key !== null && isObject(pair)) data.set(key, pair.Value);
  }
  const noteText = [row, fields].map((place) => textOf(place.ActivityEvent_Note)).find((text) => text !== null);
  const note = noteOf(noteText ?? textOf(data.get('ActivityEvent_Note')));
  return (name) =>
    [row[name], fields[name], data.get(name), ...(note.get(name) ?? [])].flatMap((value) => textOf(value) ?? []);
}

/** `null` when the row has no id. */
export function readActivity(row: unknown): Activity | null {
  if (!isObject(row)) return null;
  const read = reader(row);
  const id = read('ProspectActivityId')[0] ?? read('Id')[0];
  if (id === undefined) return null;
  const parsed = parseJson(read('SourceData')[0] ?? '');
  const posted = isObject(parsed) ? parsed : {};
  const starts = [...read('mx_Custom_2'), ...read('CreatedOn')].map((text) => text.replace('T', ' ').slice(0, 19));
  const durations = [...read('mx_Custom_3'), ...read('Duration')].flatMap((text) => numberOf(text) ?? []);
  const numbers = [...read('Caller'), posted.SourceNumber, posted.DestinationNumber];
  return {
    id,
    leadId: read('RelatedProspectId')[0] ?? null,
    callSessionId: textOf(posted.CallSessionId),
    starts,
    duration: durations[0] ?? null,
    users: [...read('UserId'), ...read('Owner'), ...read('OwnerId')],
    writtenBy: read('CreatedBy')[0] ?? null,
    numbers: numbers.flatMap((value) => textOf(value)?.replace(/\D/g, '') ?? []).filter((digits) => digits !== ''),
  };
}
