/** `logcalld sessions rederive`: stored calls against what the present code makes of the journal. */
import type { ControlClient } from '../../../adapters/control/client.ts';
import { openReadOnly } from '../../../adapters/sqlite/thread/read-only.ts';
import type { Config } from '../../../config/schema.ts';
import type { Terminal } from '../../cli/cli.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { parseWhen } from '../../cli/when.ts';
import { reachRunning } from '../control.ts';
import { count, dateTime, type Privacy, print, privacy, tell } from '../output.ts';
import { configOf } from '../shell.ts';
import { type Comparison, compare, type Difference } from './history.ts';

/** Calls sent to the daemon in one request. */
const PAGE = 200;

export async function rederive(invocation: Invocation, terminal: Terminal): Promise<number> {
  const config = configOf(invocation);
  const now = Date.now();
  const since = invocation.value('since');
  if (since === null) throw new UsageError('sessions rederive needs --since.', 'logcalld sessions rederive --since 2h');
  const until = invocation.value('until');
  const window = {
    since: parseWhen('--since', since, now),
    until: until === null ? now : parseWhen('--until', until, now),
    source: sourceOf(config, invocation.value('source')),
    now,
  };
  const apply = invocation.flag('apply');
  // The daemon is the one writer of the file; asked for first, so that nothing is worked out in vain.
  const daemon = apply ? await reachRunning(config, 'it is what stores the newer facts') : null;
  const file = openReadOnly(config.storage.path);
  const found = await compare(file.remote, config, window).finally(() => file.close());
  if (found.frames === 0) {
    tell(
      terminal,
      `logcalld: The journal has nothing from ${dateTime(window.since)} to ${dateTime(window.until)}: ` +
        'events are kept for [storage] retention.events. Nothing was compared.',
    );
    return EXIT.failed;
  }
  const secrecy = privacy(invocation.flag('numbers'));
  if (invocation.flag('json')) for (const one of found.differences) print(terminal, JSON.stringify(secrecy.value(one)));
  else for (const line of report(found, window.since, secrecy)) print(terminal, line);
  if (daemon !== null) await store(terminal, daemon, found.differences);
  else if (found.differences.length > 0) tell(terminal, 'Nothing was changed. Store the newer facts with --apply.');
  return EXIT.ok;
}

function sourceOf(config: Config, name: string | null): string | null {
  if (name === null || config.source.some((source) => source.name === name)) return name;
  const known = config.source.map((source) => source.name).join(', ');
  throw new UsageError(`The config has no source "${name}".`, `--source with one of: ${known}`);
}

function report(found: Comparison, since: number, secrecy: Privacy): readonly string[] {
  const { differences, same, missing, leftAlone, frames, withoutRaw, journalFrom } = found;
  return [
    ...differences.flatMap((one) => [...difference(one, secrecy), '']),
    ...missing.map((id) => `${id}  is stored, but the present code does not make it; it is kept as it is.`),
    `${count(same, 'call')} the same, ${differences.length} different, ${missing.length} not made any more, ${leftAlone} left alone.`,
    `Read: ${count(frames, 'frame')}, of which ${withoutRaw} are no longer kept as the PBX sent them (their stored events were used).`,
    ...(journalFrom > since
      ? [`The journal begins at ${dateTime(journalFrom)}: earlier calls were not compared.`]
      : []),
    ...(leftAlone === 0
      ? []
      : ["Left alone: calls that the journal holds only in part, or that came from the PBX's own records."]),
  ];
}

function difference({ record, state, fields, revision }: Difference, secrecy: Privacy): readonly string[] {
  const { callSessionId, direction, status, startedAt } = record;
  const about = `${callSessionId}  ${dateTime(startedAt)}  ${direction} ${status}`;
  if (revision === 0) return [`${about}  is new: it was not stored`];
  return [
    `${about}  (${state ?? 'not in the outbox'})`,
    ...fields.map(({ field, before, after }) => `  ${field}: ${shown(before, secrecy)} -> ${shown(after, secrecy)}`),
  ];
}

function shown(value: unknown, secrecy: Privacy): string {
  return secrecy.text(JSON.stringify(value) ?? 'nothing');
}

async function store(terminal: Terminal, daemon: ControlClient, differences: readonly Difference[]): Promise<void> {
  let stored = 0;
  const moved: string[] = [];
  for (let at = 0; at < differences.length; at += PAGE) {
    const items = differences.slice(at, at + PAGE).map(({ record, revision }) => ({ record, revision }));
    const done = await daemon.call('correct', { items });
    stored += done.inserted.length + done.changed.length;
    moved.push(...done.moved);
  }
  tell(
    terminal,
    `${count(stored, 'call')} stored.${consequences(differences.filter((one) => !moved.includes(one.record.callSessionId)))}`,
  );
  if (moved.length > 0)
    tell(terminal, `Not stored, because they changed meanwhile (run it again): ${moved.join(', ')}.`);
}

function consequences(stored: readonly Difference[]): string {
  const delivered = stored.filter(({ state }) => state === 'delivered').length;
  const resting = stored.filter(({ state }) => state === 'parked' || state === 'skipped').length;
  return [
    delivered === 0
      ? ''
      : ` ${delivered} delivered: LeadSquared gets the new recording and duration; other fields stay as they were posted.`,
    resting === 0 ? '' : ` ${resting} parked or skipped: "logcalld replay" posts them with the new body.`,
  ].join('');
}
