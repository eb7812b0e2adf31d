/** `logcalld status`: one screen that answers "is it working?". */
import type { Replies } from '../../adapters/control/api.ts';
import { megabytes } from '../../adapters/sqlite/backups/megabytes.ts';
import type { Terminal } from '../cli/cli.ts';
import type { Invocation } from '../cli/command.ts';
import { EXIT } from '../cli/help.ts';
import { isUp } from '../delivery/health/standing.ts';
import { nameOf } from '../delivery/parties/extension.ts';
import { DELIVERY_STATES } from '../delivery/states.ts';
import type { Severity } from '../health/conditions.ts';
import type { SourceStatus } from '../ports.ts';
import { knownSince } from '../records/text.ts';
import { ask } from './control.ts';
import { fittedLines, placeOfCommand } from './here/here.ts';
import {
  columns,
  count,
  cut,
  dateTime,
  external,
  length,
  print,
  privacy,
  STANDINGS,
  type Tone,
  told,
} from './output.ts';
import { gapLines } from './records/gap-line.ts';

type StatusReply = Replies['status'];

const LIVE_SHOWN = 10;
/** By how a line begins. */
const TONES: readonly (readonly [string, Tone])[] = [
  ['FAIL', 'bad'],
  ['Something needs attention', 'bad'],
  ['warn', 'doubt'],
];

export async function status(invocation: Invocation, terminal: Terminal): Promise<number> {
  const reply = await ask(invocation, terminal, 'status', {});
  const well = isWell(reply);
  const here = placeOfCommand(invocation);
  const conditions = reply.conditions.map((one) => fittedLines(one, here));
  if (invocation.flag('json')) print(terminal, JSON.stringify(privacy(false).value({ well, ...reply, conditions })));
  else
    for (const line of screen(reply))
      print(terminal, line, TONES.find(([beginning]) => line.startsWith(beginning))?.[1]);
  return well ? EXIT.ok : EXIT.failed;
}

/** Nothing needs somebody at this moment. Notices do not count, nor do parked calls that somebody has taken note of. */
export function isWell({ running, sources, conditions, delivery }: StatusReply): boolean {
  const linked = sources.every(({ state, problem }) => state === 'connected' && problem === null);
  return (
    running &&
    linked &&
    conditions.every(({ severity }) => severity === 'notice') &&
    delivery !== null &&
    isUp(delivery.standing) &&
    !delivery.paused
  );
}

function screen(reply: StatusReply): readonly string[] {
  return [
    verdict(reply),
    ...troubles(reply),
    ...(reply.running ? ['', ...columns(reply.sources.map((source) => sourceCells(source, reply.at)))] : []),
    ...gapLines(reply).map((line) => `      ${line}`),
    '',
    ...columns([...liveRows(reply), ...deliveryRows(reply)]),
    ...parked(reply),
    ...skipped(reply),
  ];
}

function verdict(reply: StatusReply): string {
  const { version, pid, startedAt, at } = reply;
  const about =
    startedAt === null ? `logcalld ${version}` : `logcalld ${version}, pid ${pid}, up ${length(at - startedAt)}`;
  return `${isWell(reply) ? allLogged(reply) : 'Something needs attention.'}  (${about})`;
}

/** Never more than the lines below it say: calls of a gap that nothing filled are not known. */
export function allLogged({ counts: { states }, gaps }: Pick<StatusReply, 'counts' | 'gaps'>): string {
  const since = knownSince(gaps);
  const every = `Every call is being logged${since === null ? '' : ` since ${dateTime(since)}`}`;
  if (states.parked === 0) return `${every}.`;
  return `${every}, but for ${count(states.parked, 'parked one')} that somebody took note of: see below.`;
}

const WORDS: Readonly<Record<Severity, string>> = { error: 'FAIL', warning: 'warn', notice: 'note' };

/** The lines of a remedy are to be copied: they stand as they are. */
function troubles({ conditions }: StatusReply): readonly string[] {
  return conditions.flatMap(({ severity, text, lines }) => [
    `${WORDS[severity]}  ${privacy(false).text(text)}`,
    ...lines.map((line) => `        ${line}`),
  ]);
}

/** The line of a source. `at`: ms since the epoch. */
export function sourceCells(source: SourceStatus, at: number): readonly string[] {
  const { name, state, since, lastFrameAt, frames, faults, problem, deaf, callHeardAt } = source;
  const ago = (time: number): string => `${length(Math.max(0, at - time))} ago`;
  const heard = lastFrameAt === null ? 'nothing heard yet' : `last heard ${ago(lastFrameAt)}`;
  const calls =
    callHeardAt === undefined ? '' : callHeardAt === null ? ', no call yet' : `, a call ${ago(callHeardAt)}`;
  const trouble =
    deaf && deaf.text === problem ? 'events of calls are missing: see above' : problem === null ? null : told(problem);
  const good = state === 'connected' && problem === null;
  return [
    good ? 'ok  ' : 'FAIL',
    name,
    `${state} for ${length(Math.max(0, at - since))}`,
    trouble ?? `${heard}${calls}, ${count(frames, 'frame')}${faults === 0 ? '' : `, ${faults} left out: see the log`}`,
  ];
}

function liveRows({ live, at, running }: StatusReply): readonly (readonly string[])[] {
  if (!running) return [];
  const calls = live.slice(0, LIVE_SHOWN).map((call) => {
    const parts = [
      call.direction.toLowerCase(),
      external(call, privacy(false)),
      `agent ${call.agent ?? '-'}`,
      length(Math.max(0, at - call.startedAt)),
    ];
    return ['', parts.join('  ')];
  });
  const more = live.length > LIVE_SHOWN ? [['', `and ${live.length - LIVE_SHOWN} more`]] : [];
  return [['live calls', String(live.length)], ...calls, ...more];
}

/** The rows of what is posted. What LeadSquared said may repeat a number: it is masked. */
export function deliveryRows({
  counts,
  unstored,
  delivery,
  backup,
  strangers,
  at,
}: StatusReply): readonly (readonly string[])[] {
  const { states, oldestWaiting, updatesWaiting } = counts;
  const waiting = states.pending + states.sending + states.retrying + states.uncertain;
  const age = oldestWaiting === null ? '' : `, the oldest ended ${length(Math.max(0, at - oldestWaiting))} ago`;
  const some = DELIVERY_STATES.filter((state) => states[state] > 0);
  const each = some.map((state) => `${states[state]} ${state}`).join(', ') || 'none yet';
  const rows = [
    ['backlog', `${count(waiting, 'call')} waiting${age}${inMemory(unstored)}`],
    ['calls', each],
    ...(updatesWaiting === 0 ? [] : [['late facts', `${count(updatesWaiting, 'update')} waiting`]]),
  ];
  if (delivery === null) return rows;
  const { permits, standing, cause, paused, users } = delivery;
  const { requests, windowMs } = permits.tuning;
  const held = permits.heldMs > 0 ? `, held for ${length(permits.heldMs)} more` : '';
  const link = isUp(standing) ? STANDINGS[standing] : `${STANDINGS[standing]}: ${told(cause)}`;
  return [
    ...rows,
    ['LeadSquared', `${paused ? 'paused; ' : ''}${link}`],
    [
      'limiter',
      `${permits.used} of ${requests} used in ${length(windowMs)}, ${count(permits.usedToday, 'request')} today${held}`,
    ],
    ['users', users.fetchedAt === null ? 'not fetched yet' : `${users.count}, fetched ${dateTime(users.fetchedAt)}`],
    ...strangerRows(strangers, at),
    ...(backup === null ? [] : [['last backup', `${dateTime(backup.at)}, ${megabytes(backup.bytes)}, ${backup.path}`]]),
  ];
}

/** What the disk has not taken. */
const inMemory = (calls: number): string =>
  calls === 0
    ? ''
    : `, and ${count(calls, 'call')} in memory alone, until the disk takes ${calls === 1 ? 'it' : 'them'}`;

/** Agents who belong to no user of LeadSquared. */
function strangerRows(strangers: StatusReply['strangers'], at: number): readonly (readonly string[])[] {
  if (strangers === null) return [];
  const { count: agents, names, calls, lastAt } = strangers;
  const more = agents > names.length ? ' and others' : '';
  const who = `${count(agents, 'agent')} without a LeadSquared user (${names.map(nameOf).join(', ')}${more})`;
  return [
    ['', `${who}: ${count(calls, 'call')}, the last ${length(Math.max(0, at - lastAt))} ago; see logcalld users`],
  ];
}

/** Of parked calls, told at most: the most frequent. */
const SENTENCES = 20;

function parked({ counts: { parkedReasons } }: StatusReply): readonly string[] {
  return reasons('Parked, in the words of each (logcalld calls --state parked):', parkedReasons.slice(0, SENTENCES));
}

function skipped({ counts: { skippedReasons } }: StatusReply): readonly string[] {
  return reasons('Not posted, of the calls of the last 24 h (logcalld calls --state skipped):', skippedReasons);
}

function reasons(title: string, counted: StatusReply['counts']['parkedReasons']): readonly string[] {
  if (counted.length === 0) return [];
  const rows = counted.map(({ code, reason, count: number }) => [
    `  ${number}`,
    code ?? '',
    cut(privacy(false).text(reason === '' ? 'no reason kept' : reason), 110),
  ]);
  return ['', title, ...columns(rows, [0])];
}
