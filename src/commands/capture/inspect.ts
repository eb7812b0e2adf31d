/** `logcalld inspect`: the calls of capture files, completed from the PBX's own records, or of these records alone. */

import { existsSync } from 'node:fs';
import { readCapture } from '../../../adapters/host/capture.ts';
import { captureProblems, frameReaders, recordsReaders } from '../../../adapters/index.ts';
import { callBody } from '../../../adapters/leadsquared/call-body.ts';
import type { Config, SourceConfig } from '../../../config/schema.ts';
import { backfill, type CdrFile, spanOf } from '../../call/cdr/backfill.ts';
import { callsOfCdr } from '../../call/cdr/calls.ts';
import { type Heard, listen } from '../../call/cdr/coverage.ts';
import type { CallRecord } from '../../call/record.ts';
import type { Capture } from '../../capture/file.ts';
import type { FrameReader } from '../../capture/reader.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { UsageError } from '../../cli/command.ts';
import { DEFAULT_CONFIG } from '../../cli/commands.ts';
import { EXIT } from '../../cli/help.ts';
import { callLogPolicyOf, planOf, rulesOf } from '../../daemon/settings.ts';
import { type Inspected, inspectFrames, inspectLine, type RecordedFrame } from '../../inspect.ts';
import { count, external, type Privacy, print, privacy, tell } from '../output.ts';
import { configOf } from '../shell.ts';
import { readRecordFiles } from './cdr-files.ts';
import { explainCapture } from './explain.ts';

/** Of the installation, or the one that is named: without it neither numbers nor endpoints can be read. */
function configFor(invocation: Invocation): Config {
  if (invocation.value('config') === null && !existsSync(DEFAULT_CONFIG)) {
    const why = `inspect needs a config, which says how numbers and endpoints are read, and there is no ${DEFAULT_CONFIG}.`;
    throw new UsageError(why, 'logcalld inspect FILE --config trial/logcalld.toml');
  }
  return configOf(invocation);
}

export async function inspect(invocation: Invocation, terminal: Terminal): Promise<number> {
  const config = configFor(invocation);
  const policy = callLogPolicyOf(config);
  // What a file is, its columns tell.
  const files = [
    ...(await readRecordFiles(invocation.values('cdr'))),
    ...(await readRecordFiles(invocation.values('cel'), 'cel')),
  ];
  const secrecy = privacy(invocation.flag('numbers'));
  const show = (records: readonly CallRecord[], from: string): void => {
    for (const record of records) {
      const kept = record.direction === 'Internal' && config.filters.internal === 'skip';
      const posted = kept ? null : callBody(record, { leadId: null, userId: null }, policy);
      print(terminal, invocation.flag('json') ? inspectLine(record, from, posted) : table(record, secrecy));
    }
  };
  const explain = invocation.value('explain');
  if (invocation.arguments.length === 0) {
    if (explain !== null)
      throw new UsageError('--explain needs a capture: records tell no course of a call.', 'logcalld inspect FILE');
    const [first] = files;
    if (first === undefined)
      throw new UsageError(
        'logcalld inspect needs FILE... or records with --cdr or --cel that hold something.',
        'logcalld inspect --help',
      );
    const source = sourceOfRecords(config, invocation.value('source'));
    const read = withRecords(config, source, source.type, [], UNHEARD, files, terminal);
    show(read, first.name);
    return EXIT.ok;
  }
  let refused = 0;
  let explained = 0;
  for (const file of invocation.arguments) {
    const { pbx, frames } = await captureAt(file);
    const read = frameReaders[pbx];
    if (read === undefined) throw new Error(`${file}: is of a PBX that this program does not know: ${pbx}`);
    const source = sourceFor(config, pbx, invocation.value('source'));
    const problem = captureProblems[pbx]?.(file, rawOf(frames)) ?? null;
    if (problem !== null) {
      tell(terminal, `logcalld: ${problem}`);
      refused += 1;
      continue;
    }
    if (explain !== null) {
      explained += explainCapture(invocation, terminal, config, source, frames, read, explain);
      continue;
    }
    const { records, goingOn, unread, heard } = callsHeard(config, source, frames, read);
    if (unread !== null) {
      const { count: some, first } = unread;
      tell(
        terminal,
        `${file}: ${count(some, 'frame')} could not be read and ${some === 1 ? 'was' : 'were'} left out: ${first}`,
      );
    }
    if (goingOn > 0) tell(terminal, `${file}: ${stillGoingOn(goingOn)} when the capture ended, and left out here.`);
    show(withRecords(config, source, pbx, records, heard, files, terminal), file);
  }
  if (explain !== null && explained === 0) {
    throw new Error(
      `No call of these captures has the id ${explain}, and none of their legs. Try: logcalld inspect FILE`,
    );
  }
  // One capture that says nothing does not spoil the others.
  return refused > 0 && refused === invocation.arguments.length ? EXIT.failed : EXIT.ok;
}

function* rawOf(frames: readonly RecordedFrame[]): Generator<Uint8Array> {
  for (const { raw } of frames) yield raw;
}

const stillGoingOn = (calls: number): string =>
  calls === 1 ? 'one call was still going on' : `${calls} calls were still going on`;

/** Errors of the file itself (a folder, a pipe, a gzip file cut off) come without its name. */
async function captureAt(file: string): Promise<Capture> {
  try {
    return await readCapture(file);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (message.startsWith(`${file}:`)) throw error;
    throw new Error(
      `${file}: is no capture file that can be read whole (${message}): name a file of "logcalld capture".`,
    );
  }
}

function callsHeard(
  config: Config,
  source: SourceConfig,
  frames: readonly RecordedFrame[],
  read: FrameReader,
): Inspected & { heard: Heard } {
  const listener = listen();
  let connection = 1;
  function* counted(): Generator<RecordedFrame> {
    for (const frame of frames) {
      connection = frame.connection;
      yield frame;
    }
  }
  const listening: FrameReader = (raw, name, receivedAt) => {
    const events = read(raw, name, receivedAt);
    listener.note(events, receivedAt, connection);
    return events;
  };
  const inspected = inspectFrames(counted(), listening, source.name, planOf(source), rulesOf(config));
  return { ...inspected, heard: listener.heard() };
}

/** Nothing was heard at any time: all calls of the records are told. */
const UNHEARD: Heard = {
  ids: new Set(),
  mentioned: new Set(),
  gaps: [{ from: 0, to: Number.MAX_SAFE_INTEGER }],
};

/** The calls heard, completed from the PBX's own records where there are any. A file that cannot be read is always told. */
function withRecords(
  config: Config,
  source: SourceConfig,
  pbx: string,
  records: readonly CallRecord[],
  heard: Heard,
  files: readonly CdrFile[],
  terminal: Terminal,
): readonly CallRecord[] {
  const read = recordsReaders[pbx];
  if (files.length === 0 || read === undefined) return records;
  const { events, skipped } = read(files, source.name, spanOf(heard.gaps) ?? { from: 0, to: 0 });
  for (const { count: some, why } of skipped) {
    tell(terminal, `${count(some, 'record')} could not be read and ${some === 1 ? 'was' : 'were'} left out: ${why}`);
  }
  return backfill(records, heard, callsOfCdr(events, source.name, planOf(source), rulesOf(config)));
}

/** Records do not say of which PBX they are. */
function sourceOfRecords(config: Config, name: string | null): SourceConfig {
  const found = config.source.find((source) => (name === null ? config.source.length === 1 : source.name === name));
  if (found !== undefined) return found;
  const known = config.source.map((source) => source.name).join(', ');
  const what = name === null ? 'The config has several sources.' : `The config has no source "${name}".`;
  throw new UsageError(what, `--source with one of: ${known}`);
}

function sourceFor(config: Config, pbx: string, name: string | null): SourceConfig {
  const found = config.source.find((source) => (name === null ? source.type === pbx : source.name === name));
  if (found !== undefined) return found;
  const known = config.source.map((source) => source.name).join(', ');
  if (name === null)
    throw new UsageError(`The config has no [[source]] of type "${pbx}".`, '--source NAME to use another one');
  throw new UsageError(`The config has no source "${name}".`, `--source with one of: ${known}`);
}

/** One line for people; times are local. */
export function table(record: CallRecord, secrecy: Privacy): string {
  const time = new Date(record.startedAt).toLocaleString('sv-SE');
  const parts = [
    time,
    record.direction.padEnd(8),
    record.status.padEnd(9),
    external(record, secrecy).padEnd(16),
    `agent ${record.agent ?? '-'}`.padEnd(12),
    `${record.durationSeconds} s`.padStart(6),
    record.callSessionId,
    record.flags.join(' '),
  ];
  return parts.join('  ').trimEnd();
}
