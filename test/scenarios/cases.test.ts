/** Each case of test/fixtures/cases gives the calls of its expected.json, read as `logcalld inspect` reads a capture. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { readCapture } from '../../adapters/host/capture.ts';
import { callBody } from '../../adapters/leadsquared/call-body.ts';
import { loadConfig } from '../../config/load.ts';
import { callLogPolicyOf, planOf, rulesOf } from '../../src/daemon/settings.ts';
import { inspectFrames, inspectLine } from '../../src/inspect.ts';
import { readers } from '../support/recordings.ts';

const ROOT = new URL('../fixtures/cases/', import.meta.url);
const PLAIN = new URL('../fixtures/cases.toml', import.meta.url);

type Call = Readonly<Record<string, unknown>>;

interface Expected {
  /** The type of the PBX; the config's source of that type is meant. */
  readonly source: 'asterisk' | 'freeswitch';
  /** All calls in order of their ends, with the fields that matter. Internal calls count only where one is listed. */
  readonly sessions: readonly Call[];
}

async function callsOf(directory: URL, source: Expected['source']): Promise<Call[]> {
  const own = new URL('config.toml', directory);
  const config = loadConfig((existsSync(own) ? own : PLAIN).pathname);
  const settings = config.source.find((one) => one.type === source);
  const reader = readers[source];
  if (settings === undefined || reader === undefined) throw new Error(`${directory.pathname}: no source "${source}"`);
  const { frames } = await readCapture(new URL('events.jsonl', directory).pathname);
  const { records } = inspectFrames(frames, reader, settings.name, planOf(settings), rulesOf(config));
  const policy = callLogPolicyOf(config);
  return records.map((record) => {
    const body = record.direction === 'Internal' ? null : callBody(record, { leadId: null, userId: null }, policy);
    return JSON.parse(inspectLine(record, '', body)) as Call;
  });
}

const isCall = (value: unknown): value is Call => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Of `value` what `wanted` names. The order of lists counts for nothing: which of several phones rang first is chance. */
function asFarAsAsked(value: unknown, wanted: unknown): unknown {
  if (Array.isArray(value)) return [...value].sort();
  if (!isCall(value) || !isCall(wanted)) return value;
  return Object.fromEntries(Object.entries(wanted).map(([field, one]) => [field, asFarAsAsked(value[field], one)]));
}

/** What is shown of a call that should not be there. */
const OUTLINE = { direction: '', status: '', external: '', agent: '' };

for (const name of readdirSync(ROOT)) {
  const directory = new URL(`${name}/`, ROOT);
  const story = readFileSync(new URL('README.md', directory), 'utf8').trim();
  t.test(`${name}: ${story}`, async (t) => {
    const expected = JSON.parse(readFileSync(new URL('expected.json', directory), 'utf8')) as Expected;
    const internal = expected.sessions.some((call) => call.direction === 'Internal');
    const calls = (await callsOf(directory, expected.source)).filter(
      (call) => internal || call.direction !== 'Internal',
    );
    const wanted = expected.sessions.map((call) => asFarAsAsked(call, call));
    t.strictSame(
      calls.map((call, index) => asFarAsAsked(call, wanted[index] ?? OUTLINE)),
      wanted,
    );
  });
}
