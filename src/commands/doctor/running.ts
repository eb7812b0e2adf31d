/** What the running daemon says of itself. */
import { statSync } from 'node:fs';
import type { StatusReply } from '../../../adapters/control/api.ts';
import type { Severity } from '../../health/conditions.ts';
import { type Finding, info, ok } from '../check/finding.ts';
import { reachStarted } from '../control.ts';
import { length } from '../output.ts';
import type { Place } from '../place.ts';
import { gapLine } from '../records/gap-line.ts';
import { NOT_RUNNING } from './machine.ts';

const ABOUT = 'daemon';
const LEVELS: Readonly<Record<Severity, Finding['level']>> = { error: 'FAIL', warning: 'warn', notice: 'info' };

/** `null`: none runs with this database. Rejects with one sentence when it may not be asked. */
export async function askDaemon(place: Place): Promise<StatusReply | null> {
  const daemon = await reachStarted(place);
  return daemon === null ? null : daemon.call('status', {});
}

/** `files`: those that it has read at its start. `starting`: what to type when it does not run, and `restart` so that it reads them again. */
export function daemonFindings(
  status: StatusReply | null,
  files: readonly string[],
  starting: readonly string[],
  restart: string,
): Finding[] {
  if (status === null) {
    const text = 'does not run with this config: no call is logged.';
    return [{ level: 'warn', about: ABOUT, text, commands: starting, idle: NOT_RUNNING }];
  }
  const { version, pid, startedAt, at, sources, conditions } = status;
  const up = startedAt === null ? '' : `, up ${length(at - startedAt)}`;
  return [
    ok(ABOUT, `logcalld ${version}, pid ${pid}${up}`),
    ...changedSince(startedAt, files, restart),
    ...sources.map(({ name, state, problem }): Finding => {
      if (state === 'connected' && problem === null) return ok(ABOUT, `${name}: connected`);
      return {
        level: state === 'connected' ? 'warn' : 'FAIL',
        about: ABOUT,
        text: `${name} is ${state}: ${problem ?? 'no reason given'}`,
      };
    }),
    ...conditions.map(({ severity, text, lines }): Finding => ({ level: LEVELS[severity], about: ABOUT, text, lines })),
    ...lastGaps(status),
  ];
}

function changedSince(startedAt: number | null, files: readonly string[], restart: string): Finding[] {
  const newer = files.filter(
    (file) => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > (startedAt ?? Infinity),
  );
  return newer.map((file) => {
    const text = `${file} was changed after the daemon was started, which still goes by the old one.`;
    return { level: 'warn', about: ABOUT, text, commands: [restart] };
  });
}

/** The last gap of each source. */
function lastGaps({ gaps, at }: StatusReply): Finding[] {
  return gaps.map((gap) => info(ABOUT, `last gap of ${gap.source}: ${gapLine(gap, at)}`));
}
