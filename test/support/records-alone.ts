/**
 * What the PBX's own records alone tell of each recording, as if all of it lay in a gap, against what the telephones saw. `npx node
 * test/support/records-alone.ts [FOLDER]` prints the table and what is wrong where, of these recordings or of others in FOLDER.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { recordsReaders } from '../../adapters/index.ts';
import { callsOfCdr } from '../../src/call/cdr/calls.ts';
import { DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { ALWAYS } from './cdr.ts';
import { type Scenario, scenarios, type Truth } from './recordings.ts';

export const FIELDS = 'direction status externalE164 did agent rung start answer end recording'.split(' ');

export type Kind = 'cdr' | 'cel' | 'both';

const FILES: Readonly<Record<'cdr' | 'cel', readonly string[]>> = {
  cdr: ['cdr_custom.csv.gz', 'asteriskcdrdb_cdr.csv.gz'],
  cel: ['cel.csv.gz', 'asteriskcdrdb_cel.csv.gz'],
};

/** Times within this are right, ms. */
const NEAR_MS = 1000;

/** The PBX or the link died in these: a time that is flagged as not known is not held against the record. */
const BROKEN = /crash|reconnect|shutdown|restart|stop/;

/** Calls of which nothing was written anywhere, and whole hours. */
const UNSCORED = /storm|bad_number/;

export interface Score {
  readonly set: string;
  readonly kind: Kind;
  calls: number;
  /** Calls of which every field is right. */
  right: number;
  missing: number;
  /** Calls that the telephones know nothing of. */
  extra: number;
  readonly wrong: Record<string, number>;
  readonly faults: string[];
}

function fileOf(scenario: Scenario, kind: 'cdr' | 'cel'): URL | undefined {
  return FILES[kind].map((name) => new URL(name, scenario.directory)).find((file) => existsSync(file));
}

/** What the PBX writes in another set-up: changes the content of a file, unpacked. */
export type Change = (table: 'cdr' | 'cel', content: Buffer) => Buffer;

const unchanged: Change = (_table, content) => content;

/** The calls that the records of a recording tell; `null` where it has none of that kind. */
export function callsOfRecords(scenario: Scenario, kind: Kind, change = unchanged): readonly CallRecord[] | null {
  const wanted = kind === 'both' ? (['cdr', 'cel'] as const) : [kind];
  const read = recordsReaders[scenario.pbx];
  if (read === undefined) return null;
  const given = wanted.flatMap((table) => {
    const file = fileOf(scenario, table);
    if (file === undefined) return [];
    return [{ name: basename(file.pathname), content: change(table, gunzipSync(readFileSync(file))) }];
  });
  if (given.length < wanted.length) return null;
  const { events } = read(given, scenario.pbx, ALWAYS);
  return callsOfCdr(events, scenario.pbx, scenario.plan, DEFAULT_RULES).map(({ record }) => record);
}

const digits = (number: string | null | undefined) => (number ?? '').replace(/\D/g, '').slice(-10);

/** Names of the fields in which the record differs from what the telephones saw. */
export function wrongFields(truth: Truth, record: CallRecord, scenario: Scenario): string[] {
  const outside = truth.direction !== 'Internal';
  const file = (path: string | null | undefined) => basename(path ?? '');
  const doubted = BROKEN.test(scenario.name);
  const near = (time: number | null, offset: number | null) =>
    offset === null ? time === null : time !== null && Math.abs(time - scenario.startedAt - offset) <= NEAR_MS;
  const rung = new Set(truth.agentsRung ?? []);
  const right: Readonly<Record<string, boolean>> = {
    direction: record.direction === truth.direction,
    status: record.status === truth.status,
    externalE164: !outside || record.externalE164 === truth.externalE164,
    did: truth.direction !== 'Inbound' || digits(record.did) === digits(truth.did),
    agent: !outside || record.agent === truth.agent,
    rung: !outside || rung.size === 0 || rung.symmetricDifference(new Set(record.agentsRung)).size === 0,
    start: near(record.startedAt, truth.startOffsetMs),
    answer: doubted || near(record.answeredAt, truth.answerOffsetMs),
    end: doubted || near(record.endedAt, truth.endOffsetMs),
    recording: !truth.recording || file(record.recording) === file(truth.recording),
  };
  return FIELDS.filter((name) => right[name] === false);
}

/** Each true call with the nearest record, and the records that are left. */
function pairs({ truth, startedAt }: Scenario, records: readonly CallRecord[]) {
  const left = new Set(records);
  const cost = (one: Truth, record: CallRecord) =>
    Math.abs(record.startedAt - startedAt - one.startOffsetMs) / 1000 +
    (record.direction === one.direction ? 0 : 50) +
    (digits(record.external ?? record.externalE164) === digits(one.external) ? 0 : 100) +
    (record.agent === one.agent ? 0 : 5);
  const found = truth.map((one) => {
    const best = [...left].sort((a, b) => cost(one, a) - cost(one, b))[0];
    if (best === undefined || cost(one, best) > 120) return { one, record: undefined };
    left.delete(best);
    return { one, record: best };
  });
  return { found, extra: [...left].filter(({ direction }) => direction !== 'Internal') };
}

/** The score of one set of recordings by one kind of records. */
export function scoreOf(set: string, kind: Kind, from?: URL, change = unchanged): Score {
  const score: Score = { set, kind, calls: 0, right: 0, missing: 0, extra: 0, wrong: {}, faults: [] };
  for (const scenario of scenarios(from)) {
    if (scenario.set !== set || UNSCORED.test(scenario.name)) continue;
    const records = callsOfRecords(scenario, kind, change);
    if (records === null) continue;
    const { found, extra } = pairs(scenario, records);
    for (const { one, record } of found) {
      score.calls += 1;
      const wrong = record === undefined ? null : wrongFields(one, record, scenario);
      if (wrong === null) score.missing += 1;
      else if (wrong.length === 0) score.right += 1;
      for (const name of wrong ?? []) score.wrong[name] = (score.wrong[name] ?? 0) + 1;
      const what = wrong === null ? 'missing' : wrong.map((name) => told(name, one, record, scenario)).join(', ');
      if (what !== '')
        score.faults.push(`${set}/${scenario.name} by ${kind}: ${one.direction} ${one.external}: ${what}`);
    }
    score.extra += extra.length;
    for (const record of extra) {
      score.faults.push(
        `${set}/${scenario.name} by ${kind}: extra ${record.direction} ${record.status} ${record.external}`,
      );
    }
  }
  return score;
}

function told(name: string, truth: Truth, record: CallRecord | undefined, { startedAt }: Scenario): string {
  if (record === undefined) return name;
  const offset = (time: number | null) => (time === null ? null : time - startedAt);
  const values: Readonly<Record<string, readonly unknown[]>> = {
    rung: [record.agentsRung, truth.agentsRung],
    start: [offset(record.startedAt), truth.startOffsetMs],
    answer: [offset(record.answeredAt), truth.answerOffsetMs],
    end: [offset(record.endedAt), truth.endOffsetMs],
  };
  const of = (one: object) => (one as Readonly<Record<string, unknown>>)[name];
  const [got, want] = values[name] ?? [of(record), of(truth)];
  return `${name} ${JSON.stringify(got)} for ${JSON.stringify(want)}`;
}

/** Lines of a table: of each set and kind the calls, those that are wholly right, and how often each field is right. */
export function tableOf(scores: readonly Score[]): string[] {
  const head = ['set', 'records', 'calls', 'right', 'missing', 'extra', ...FIELDS];
  const rows = scores.map(({ set, kind, calls, right, missing, extra, wrong }) => [
    ...[set, kind, calls, right, missing, extra].map(String),
    ...FIELDS.map((name) => String(calls - missing - (wrong[name] ?? 0))),
  ]);
  const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [head, ...rows].map((row) => row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join('  '));
}

export const KINDS: readonly Kind[] = ['cdr', 'cel', 'both'];

/** All sets of recordings with records, by each kind. */
export function allScores(from?: URL): Score[] {
  const sets = [...new Set(scenarios(from).map(({ set }) => set))];
  return sets.flatMap((set) => KINDS.map((kind) => scoreOf(set, kind, from))).filter(({ calls }) => calls > 0);
}

if (import.meta.main) {
  const folder = process.argv[2];
  const scores = allScores(folder === undefined ? undefined : new URL(`${folder}/`, `file://${process.cwd()}/`));
  for (const line of [...scores.flatMap(({ faults }) => faults), ...tableOf(scores)]) process.stdout.write(`${line}\n`);
}
