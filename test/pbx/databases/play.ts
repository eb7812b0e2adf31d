/** Real calls on a PBX that keeps its records everywhere, read from each place and held against what the telephones saw. */
import { readFileSync } from 'node:fs';
import { createRecords } from '../../../adapters/index.ts';
import { parseConfig } from '../../../config/load.ts';
import type { SourceConfig } from '../../../config/schema.ts';
import { callsOfCdr } from '../../../src/call/cdr/calls.ts';
import { DEFAULT_RULES } from '../../../src/call/correlate.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import { planOf } from '../../../src/daemon/settings.ts';
import type { CallRecords } from '../../../src/records/port.ts';
import { playStories } from '../harness.ts';
import { messageOf, type Row } from '../report.ts';
import { everything } from '../stories/all.ts';
import { crashes } from '../stories/crashes.ts';
import { gaps } from '../stories/gaps.ts';
import type { Lab, SeenCall, Story } from '../story.ts';
import { faultRows } from './faults.ts';
import { fusionRows } from './fusionpbx/play.ts';
import { type RecordsLab, startRecordsLab } from './lab.ts';
import { recordedCalls } from './recorded.ts';
import { tlsRows } from './tls.ts';

/** Times in records are whole seconds, ms. */
const NEAR_MS = 2_000;
/** A row is written some time after the call, and nothing tells when, ms. */
const WRITTEN_WITHIN_MS = 15_000;

/** The places with which a daemon is stopped, its link cut, and calls placed meanwhile. */
const LISTENED = [
  ['MariaDB', 'mysql'],
  ['PostgreSQL', 'postgres'],
] as const;

/** Of each kind of call one: what a place makes of them does not depend on the story. */
const STORIES = [
  'inbound answered, caller hangs up',
  'inbound missed: nobody answers',
  'ring group, one of three answers',
  'queue answered, two agents ring',
  'blind transfer',
  'attended transfer',
  'outbound answered',
];

export const recordStories: readonly Story[] = STORIES.flatMap(
  (name) => everything.find((story) => story.name.startsWith(name)) ?? [],
);

/** Plays the calls once, and tells for each place what its records say. `folder`: where PBXs are installed. */
export async function playRecords(folder: string, onRow: (row: Row) => void): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const report = async (story: string, run: () => Promise<readonly string[]>): Promise<void> => {
    const began = performance.now();
    const problems = await run().catch((error) => [messageOf(error)]);
    const row = { story, ok: problems.length === 0, problems, seconds: (performance.now() - began) / 1_000 };
    rows.push(row);
    onRow(row);
  };
  const lab = await startRecordsLab(folder);
  try {
    // First: a call that was made right before a daemon was ever started is in its margin.
    for (const [name, place] of LISTENED) {
      const said = (row: Row): Row => ({ ...row, story: `${name}: ${row.story}` });
      const played = { save: null, onRow: (row: Row) => onRow(said(row)) };
      rows.push(...(await playStories(lab.through([place]), [...gaps, ...crashes], played)).map(said));
    }
    const from = Date.now() - 1_000;
    const seen: SeenCall[] = [];
    await report(`${recordStories.length} stories, nobody listens`, async () => {
      for (const story of recordStories) seen.push(...(await story.play(alone(lab))));
      return recordStories.length === STORIES.length ? [] : ['a story has another name now'];
    });
    const source = sourceOf(lab);
    for (const place of placesOf(source)) {
      // A path of this run says nothing to whoever reads the report.
      await report(`read from ${place.name.replaceAll(/\/\S*\//g, '')}`, () => compare(place, source, from, seen));
      await place.close();
    }
    await report('FreePBX as it was recorded, in MariaDB', () => recordedCalls(lab.mariadb));
    await report('FreePBX as it was recorded, in PostgreSQL', () => recordedCalls(lab.postgres));
    const servers = [lab.mariadb, lab.postgres];
    const last = [
      ...fusionRows(lab.postgres.server),
      ...faultRows(lab),
      ...servers.flatMap((tables) => tlsRows(tables)),
    ];
    for (const { story, run } of last) await report(story, run);
  } finally {
    await lab.stop();
  }
  return rows;
}

/** No daemon watches, and there is no cable to cut: these stories ask for neither. */
function alone({ pbx }: RecordsLab): Lab {
  let next = 100 + (Date.now() % 800) * 100;
  const nobody = (): never => {
    throw new Error('nobody listens in this story');
  };
  return {
    pbx,
    newNumber: () => `+9198450${String(next++).padStart(5, '0')}`,
    daemon: { kill: nobody, stop: nobody, start: nobody, says: nobody, command: nobody },
    get link(): never {
      return nobody();
    },
    get page(): never {
      return nobody();
    },
  };
}

/** The source as a user's config has it. */
export function sourceOf({ pbx }: RecordsLab): SourceConfig {
  const text = `${pbx.source(1, '/nowhere')}\n[leadsquared]\nhost = "api-in21.leadsquared.com"\n`;
  const [source] = parseConfig(text, '/etc/logcalld/logcalld.toml').source;
  if (source === undefined) throw new Error('the lab has no source');
  return source;
}

export function placesOf(source: SourceConfig): readonly CallRecords[] {
  const secret = (records: SourceConfig['records'][number]): string =>
    'password_file' in records && records.password_file !== null ? readFileSync(records.password_file, 'utf8') : '';
  return createRecords(source, { secret });
}

async function compare(
  place: CallRecords,
  source: SourceConfig,
  from: number,
  seen: readonly SeenCall[],
): Promise<readonly string[]> {
  const { problem } = await place.check();
  if (problem !== null) return [problem];
  const deadline = performance.now() + WRITTEN_WITHIN_MS;
  for (;;) {
    const wrong = await differences(place, source, from, seen);
    if (wrong.length === 0 || performance.now() > deadline) return wrong;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function differences(
  place: CallRecords,
  source: SourceConfig,
  from: number,
  seen: readonly SeenCall[],
): Promise<string[]> {
  const calls = new Map<string, CallRecord>();
  const wrong: string[] = [];
  for await (const { events, skipped } of place.read({ from, to: Date.now() })) {
    wrong.push(...skipped.map(({ count, why }) => `${count} left out: ${why}`));
    for (const { record } of callsOfCdr(events, source.name, planOf(source), DEFAULT_RULES)) {
      calls.set(record.callSessionId, record);
    }
  }
  // Names of channels come again when the PBX was started anew: with the calls of the span others may be told that were before it.
  const outside = [...calls.values()].filter(
    ({ direction, startedAt }) => direction !== 'Internal' && startedAt >= from - NEAR_MS,
  );
  for (const call of seen) {
    const found = outside.filter(({ externalE164 }) => externalE164 === call.customer);
    const [record] = found;
    if (record === undefined || found.length > 1) wrong.push(`${found.length} calls for one: ${call.status}`);
    else wrong.push(...differing(record, call).map((text) => `${call.direction} ${call.status}: ${text}`));
  }
  if (outside.length !== seen.length) wrong.push(`${outside.length} calls with customers, not ${seen.length}`);
  return wrong;
}

function differing(record: CallRecord, seen: SeenCall): string[] {
  const wrong: string[] = [];
  const same = (field: string, found: unknown, wanted: unknown): void => {
    if (found !== wanted) wrong.push(`${field} is ${found}, not ${wanted}`);
  };
  const near = (field: string, found: number | null, wanted: number | null): void => {
    const apart = found === null || wanted === null ? null : Math.abs(found - wanted);
    if (apart === null ? found !== wanted : apart > NEAR_MS) wrong.push(`${field} is ${found}, not ${wanted}`);
  };
  same('direction', record.direction, seen.direction);
  same('status', record.status, seen.status);
  if (seen.answeredAt !== null && !seen.agents.includes(record.agent ?? '')) {
    wrong.push(`agent is ${record.agent}, not ${seen.agents.join(' or ')}`);
  }
  near('start', record.startedAt, seen.startedAt);
  near('answer', record.answeredAt, seen.answeredAt);
  near('end', record.endedAt, seen.endedAt);
  return wrong;
}
