/** `logcalld sessions rederive`: stored calls against what the present code makes of the journal. */
import type { ControlClient } from '../../../adapters/control/client.ts';
import type { Config } from '../../../config/schema.ts';
import type { Terminal } from '../../cli/cli.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { parseSpan } from '../../cli/when.ts';
import { openStored } from '../beside.ts';
import { reachRunning } from '../control.ts';
import { count, dateTime, type Privacy, print, privacy, tell } from '../output.ts';
import { progress } from '../progress.ts';
import { configOf } from '../shell.ts';
import { type Comparison, compare, type Difference } from './history.ts';

/** Calls sent to the daemon in one request. */
const PAGE = 200;
/** Calls named in one line. */
const NAMED = 20;

export async function rederive(invocation: Invocation, terminal: Terminal): Promise<number> {
  const config = configOf(invocation);
  const now = Date.now();
  const since = invocation.value('since');
  if (since === null) throw new UsageError('sessions rederive needs --since.', 'logcalld sessions rederive --since 2h');
  const window = {
    ...{ since: now, until: now, ...parseSpan({ since, until: invocation.value('until') }, now) },
    source: sourceOf(config, invocation.value('source')),
    now,
  };
  const apply = invocation.flag('apply');
  // The daemon is the one writer of the file; asked for first, so that nothing is worked out in vain.
  const daemon = apply ? await reachRunning(config, 'it is what stores the newer facts') : null;
  const file = openStored(config.storage.path);
  const secrecy = privacy(invocation.flag('numbers'));
  const json = invocation.flag('json');
  const shown = progress(terminal);
  const show = (lines: readonly string[]): void => {
    shown.clear();
    for (const line of lines) print(terminal, line);
  };
  const newer = daemon === null ? null : storing(daemon);
  let skipped = 0;
  const found = await compare(file.remote, config, window, {
    async different(one) {
      show(json ? [JSON.stringify(secrecy.value(one))] : [...difference(one, secrecy), '']);
      if (one.state === 'skipped') skipped += 1;
      await newer?.add(one);
    },
    missing(id) {
      if (!json) show([`${id}  is stored, but the present code does not make it; it is kept as it is.`]);
    },
    read: (frames) => shown.at(frames, `${frames} frames read ...`),
  }).finally(() => {
    shown.clear();
    file.close();
  });
  if (found.frames === 0) {
    tell(
      terminal,
      `logcalld: The journal has nothing from ${dateTime(window.since)} to ${dateTime(window.until)}: ` +
        'it is kept for [storage] retention.journal. Nothing was compared.',
    );
    return EXIT.failed;
  }
  if (!json) show(report(found, window.since));
  if (newer !== null) for (const line of await newer.end()) tell(terminal, line);
  else if (found.different > 0) {
    const judged =
      skipped === 0 ? '' : ` ${skipped} of the calls ${skipped === 1 ? 'was' : 'were'} skipped: ${JUDGED_AGAIN}.`;
    tell(terminal, `Nothing was changed. Store the newer facts with --apply.${judged}`);
  }
  return EXIT.ok;
}

function sourceOf(config: Config, name: string | null): string | null {
  if (name === null || config.source.some((source) => source.name === name)) return name;
  const known = config.source.map((source) => source.name).join(', ');
  throw new UsageError(`The config has no source "${name}".`, `--source with one of: ${known}`);
}

function report(found: Comparison, since: number): readonly string[] {
  const { different, same, missing, leftAlone, frames, withoutRaw, journalFrom } = found;
  return [
    `${count(same, 'call')} the same, ${different} different, ${missing} not made any more, ${leftAlone} left alone.`,
    `Read: ${count(frames, 'frame')}, of which ${withoutRaw} were not kept as the PBX sent them (what version 0.1 made of them was used).`,
    ...(journalFrom > since
      ? [`The journal begins at ${dateTime(journalFrom)}: earlier calls were not compared.`]
      : []),
    ...(leftAlone === 0
      ? []
      : [
          "Left alone: calls that the journal holds only in part, that came from the PBX's own records, or that were erased or removed.",
        ]),
  ];
}

function difference({ record, state, fields, revision }: Difference, secrecy: Privacy): readonly string[] {
  const { callSessionId, direction, status, startedAt } = record;
  const about = `${callSessionId}  ${dateTime(startedAt)}  ${direction} ${status}`;
  if (revision === 0) return [`${about}  is new: it was not stored`];
  return [
    `${about}  (${state ?? 'not in the outbox'})`,
    // What the reasons say is for "explain".
    ...fields
      .filter(({ field }) => field !== 'reasons' || fields.length === 1)
      .map(({ field, before, after }) => `  ${field}: ${shown(before, secrecy)} -> ${shown(after, secrecy)}`),
  ];
}

function shown(value: unknown, secrecy: Privacy): string {
  return secrecy.text(JSON.stringify(value) ?? 'nothing');
}

/** Hands the newer facts to the daemon, some calls at a time. */
function storing(daemon: ControlClient) {
  const waiting: Difference[] = [];
  const moved: string[] = [];
  let gone = 0;
  const sum = { stored: 0, fresh: 0, delivered: 0, parked: 0, skipped: 0 };
  const flush = async (): Promise<void> => {
    const batch = waiting.splice(0);
    if (batch.length === 0) return;
    const done = await daemon.call('correct', { items: batch.map(({ record, revision }) => ({ record, revision })) });
    sum.stored += done.inserted.length + done.changed.length;
    sum.fresh += done.inserted.length;
    moved.push(...done.moved);
    gone += done.gone.length;
    for (const { record, state } of batch) {
      if (done.moved.includes(record.callSessionId)) continue;
      if (state === 'delivered') sum.delivered += 1;
      if (state === 'parked') sum.parked += 1;
      if (state === 'skipped') sum.skipped += 1;
    }
  };
  return {
    async add(difference: Difference): Promise<void> {
      waiting.push(difference);
      if (waiting.length >= PAGE) await flush();
    },
    /** What became of them, in lines. */
    async end(): Promise<readonly string[]> {
      await flush();
      return [
        `${count(sum.stored, 'call')} stored.${consequences(sum)}`,
        ...(gone === 0 ? [] : [`${count(gone, 'call')} left out: erased, or removed after [storage] retention.calls.`]),
        ...(moved.length === 0
          ? []
          : [
              `Not stored, because they changed meanwhile (run it again): ${moved.slice(0, NAMED).join(', ')}${moved.length > NAMED ? ` and ${moved.length - NAMED} more` : ''}.`,
            ]),
      ];
    },
  };
}

/** What becomes of calls that were skipped, as a part of a sentence. */
const JUDGED_AGAIN =
  'with the newer facts the rules judge again, and what they skip no more is posted, however old it is';

function consequences(sum: {
  readonly fresh: number;
  readonly delivered: number;
  readonly parked: number;
  readonly skipped: number;
}): string {
  const { fresh, delivered, parked, skipped } = sum;
  return [
    fresh === 0 ? '' : ` ${fresh} new: looked for in LeadSquared before they are posted.`,
    delivered === 0
      ? ''
      : ` ${delivered} delivered: LeadSquared gets the new recording and duration; other fields stay as they were posted.`,
    parked === 0 ? '' : ` ${parked} parked: "logcalld replay" posts them with the new body.`,
    skipped === 0 ? '' : ` ${skipped} skipped: ${JUDGED_AGAIN}.`,
  ].join('');
}
