/** The recordings of real PBXs under test/fixtures/recordings, with what the telephones saw. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { readAmiFrame } from '../../adapters/asterisk/capture.ts';
import { readEslFrame } from '../../adapters/freeswitch/capture.ts';
import { readCapture } from '../../adapters/host/capture.ts';
import { loadConfig } from '../../config/load.ts';
import { DEFAULT_RULES } from '../../src/call/correlate.ts';
import type { SourcePlan } from '../../src/call/plan.ts';
import type { CallRecord } from '../../src/call/record.ts';
import { planOf } from '../../src/compose/settings.ts';
import { type FrameReader, inspectFrames } from '../../src/inspect.ts';

const ROOT = new URL('../fixtures/recordings/', import.meta.url);

export const readers: Readonly<Record<string, FrameReader>> = { asterisk: readAmiFrame, freeswitch: readEslFrame };

/** One call as the telephones saw it. Offsets: ms since the recording began. */
export interface Truth {
  readonly direction: string;
  readonly status: string;
  readonly external: string | null;
  readonly externalE164: string | null;
  readonly did: string | null;
  readonly agent: string | null;
  readonly agentsRung?: readonly string[];
  readonly startOffsetMs: number;
  readonly answerOffsetMs: number | null;
  readonly endOffsetMs: number;
  readonly recording?: string | null;
  /** Where the call has more than one. */
  readonly recordings?: readonly string[];
}

export interface Scenario {
  readonly pbx: 'asterisk' | 'freeswitch';
  /** Folder of the recordings, e.g. `asterisk-22`. */
  readonly set: string;
  readonly name: string;
  readonly directory: URL;
  readonly truth: readonly Truth[];
  /** ms since the epoch. */
  readonly startedAt: number;
}

function json(path: URL): unknown {
  const packed = new URL(`${path.href}.gz`);
  return JSON.parse(existsSync(packed) ? gunzipSync(readFileSync(packed)).toString() : readFileSync(path, 'utf8'));
}

export function scenarios(): Scenario[] {
  return readdirSync(ROOT).flatMap((set) =>
    readdirSync(new URL(`${set}/`, ROOT)).map((name): Scenario => {
      const directory = new URL(`${set}/${name}/`, ROOT);
      const truth = json(new URL('truth.json', directory)) as {
        sessions: Truth[];
        recordingStartedAt?: string;
        startedAt?: string;
      };
      const pbx = set.startsWith('asterisk') ? 'asterisk' : 'freeswitch';
      const startedAt = Date.parse(truth.recordingStartedAt ?? truth.startedAt ?? '');
      return { pbx, set, name, directory, truth: truth.sessions, startedAt };
    }),
  );
}

const lab = loadConfig(new URL('../fixtures/lab.toml', import.meta.url).pathname);

/** The numbering plans of the laboratory in which the recordings were made. */
export function labPlan(pbx: string): SourcePlan {
  const source = lab.source.find((one) => one.type === pbx);
  if (source === undefined) throw new Error(`test/fixtures/lab.toml has no source of type ${pbx}`);
  return planOf(source);
}

/** The calls the program makes of one recording; `null` when the scenario has no such stream. */
export async function callsOf(scenario: Scenario, stream = 'events.jsonl.gz'): Promise<CallRecord[] | null> {
  const file = new URL(stream, scenario.directory);
  const reader = readers[scenario.pbx];
  if (!existsSync(file) || reader === undefined) return null;
  const { frames } = await readCapture(file.pathname);
  return inspectFrames(frames, reader, scenario.pbx, labPlan(scenario.pbx), DEFAULT_RULES).records;
}
