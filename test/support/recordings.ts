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
import type { FrameReader } from '../../src/capture/reader.ts';
import { planOf } from '../../src/daemon/settings.ts';
import { inspectFrames } from '../../src/inspect.ts';

const ROOT = new URL('../fixtures/recordings/', import.meta.url);

const LAB = 'lab.toml';

/** The configs of sets that were not made in that laboratory. In `cases.toml` nothing is said about phones and trunks. */
const CONFIGS: Readonly<Record<string, string>> = {
  'asterisk-16-sip': 'cases.toml',
  'asterisk-22-iax2': 'cases.toml',
  'asterisk-22-local': 'cases.toml',
  'freepbx-17': 'freepbx.toml',
};

const plans = new Map<string, SourcePlan>();

function planIn(config: string, pbx: string): SourcePlan {
  const known = plans.get(`${config} ${pbx}`);
  if (known !== undefined) return known;
  const file = new URL(`../fixtures/${config}`, import.meta.url).pathname;
  const source = loadConfig(file).source.find((one) => one.type === pbx);
  if (source === undefined) throw new Error(`test/fixtures/${config} has no source of type ${pbx}`);
  const plan = planOf(source);
  plans.set(`${config} ${pbx}`, plan);
  return plan;
}

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
  /** The numbering plan of the PBX that was recorded. */
  readonly plan: SourcePlan;
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

function foldersIn(folder: URL): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** `from`: another folder of the same layout. */
export function scenarios(from: URL = ROOT): Scenario[] {
  return foldersIn(from).flatMap((set) =>
    foldersIn(new URL(`${set}/`, from)).map((name): Scenario => {
      const directory = new URL(`${set}/${name}/`, from);
      const truth = json(new URL('truth.json', directory)) as {
        sessions: Truth[];
        recordingStartedAt?: string;
        startedAt?: string;
      };
      const pbx = set.startsWith('freeswitch') ? 'freeswitch' : 'asterisk';
      const startedAt = Date.parse(truth.recordingStartedAt ?? truth.startedAt ?? '');
      const plan = planIn(CONFIGS[set] ?? LAB, pbx);
      return { pbx, set, name, directory, plan, truth: truth.sessions, startedAt };
    }),
  );
}

/** The numbering plans of the laboratory in which most recordings were made. */
export function labPlan(pbx: string): SourcePlan {
  return planIn(LAB, pbx);
}

/** The calls the program makes of one recording; `null` when the scenario has no such stream. */
export async function callsOf(scenario: Scenario, stream = 'events.jsonl.gz'): Promise<CallRecord[] | null> {
  const file = new URL(stream, scenario.directory);
  const reader = readers[scenario.pbx];
  if (!existsSync(file) || reader === undefined) return null;
  const { frames } = await readCapture(file.pathname);
  return inspectFrames(frames, reader, scenario.pbx, scenario.plan, DEFAULT_RULES).records;
}
