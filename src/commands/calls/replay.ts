/** `logcalld replay`: posts stored calls again. The daemon is asked page by page, so that each request is short. */
import { MAX_ITEMS, type ReplayAnswer, type RequestOf } from '../../../adapters/control/api.ts';
import type { ControlClient } from '../../../adapters/control/client.ts';
import { onSignals } from '../../../adapters/host/signals.ts';
import type { Terminal } from '../../cli/cli.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { addHeld, heldIn, heldLines } from '../../delivery/parked/held.ts';
import { reachRunning } from '../control.ts';
import { count, length, type Privacy, print, privacy, tell } from '../output.ts';
import { placeOf } from '../place.ts';
import { progress } from '../progress.ts';
import { refuseUnknownSource } from '../records/sources.ts';
import { callsWanted } from './selection.ts';
import { bodyLines } from './show.ts';

/** What was done in all pages together. */
type Total = Omit<ReplayAnswer, 'cursor'>;

/** Bodies that a dry run shows. */
const SAMPLES = 20;

export async function replay(invocation: Invocation, terminal: Terminal): Promise<number> {
  const ids = invocation.arguments;
  const selection = callsWanted(invocation, Date.now());
  if (ids.length === 0 && Object.keys(selection).length === 0)
    throw new UsageError('Nothing is selected.', 'logcalld replay --state parked --dry-run');
  const after = invocation.value('after');
  if (ids.length > 0 && after !== null)
    throw new UsageError('--after is for a selection, not for calls by id.', 'logcalld replay --help');
  const dryRun = invocation.flag('dry-run');
  const force = invocation.flag('force');
  const daemon = await reachRunning(await placeOf(invocation), 'it is what posts the calls');
  const request = { ...selection, force, dryRun };
  const pages = ids.length === 0 ? pagesOf(daemon, request, after) : pagesOfIds(daemon, request, ids);
  const { total, place } = await addUp(pages, terminal, request);
  if (total.count + leftAlone(total) === 0) await refuseUnknownSource(invocation);
  if (total.meant.length > 0) tell(terminal, `Calls of ${total.meant.join(', ')}:`);
  const secrecy = privacy(invocation.flag('numbers'));
  if (invocation.flag('json')) print(terminal, JSON.stringify(secrecy.value({ dryRun, force, ...total })));
  else for (const line of report(total, dryRun, ids.length > 0, secrecy)) print(terminal, line);
  if (place !== null) return EXIT.failed;
  if (total.count > 0) return EXIT.ok;
  tell(terminal, hint(total, request));
  return EXIT.failed;
}

type Request = Omit<RequestOf<'replay'>, 'cursor' | 'samples'>;

async function* pagesOf(
  daemon: ControlClient,
  request: Request,
  after: string | null,
  shown: number = SAMPLES,
): AsyncGenerator<ReplayAnswer> {
  let samples = shown;
  for (let cursor = after; ; ) {
    const page = await daemon.call('replay', { ...request, samples, ...(cursor === null ? {} : { cursor }) });
    samples -= page.samples.length;
    yield page;
    cursor = page.cursor;
    if (cursor === null) return;
  }
}

/** All ids are found before the first call is touched: one that is wrong must not leave half of the work done. */
async function* pagesOfIds(
  daemon: ControlClient,
  request: Request,
  given: readonly string[],
): AsyncGenerator<ReplayAnswer> {
  const found: string[] = [];
  while (found.length < given.length)
    found.push(...(await daemon.call('find', { ids: given.slice(found.length, found.length + MAX_ITEMS) })).ids);
  const ids = [...new Set(found)];
  let samples = SAMPLES;
  for (let at = 0; at < ids.length; at += MAX_ITEMS) {
    for await (const page of pagesOf(daemon, { ...request, ids: ids.slice(at, at + MAX_ITEMS) }, null, samples)) {
      samples -= page.samples.length;
      yield page;
    }
  }
}

/** Until the end or Ctrl-C. `place`: where the next page would begin, `null` when all is done. */
async function addUp(pages: AsyncGenerator<ReplayAnswer>, terminal: Terminal, request: Request) {
  const shown = progress(terminal);
  let stop = false;
  const stopListening = onSignals({
    drain: () => {
      stop = true;
    },
    stopNow: () => process.exit(EXIT.failed),
  });
  let total: Total | null = null;
  let place: string | null = null;
  try {
    for await (const { cursor, ...page } of pages) {
      total = total === null ? page : sum(total, page);
      place = cursor;
      if (cursor === null) continue;
      if (stop) break;
      const seen = total.count + leftAlone(total);
      shown.at(seen, `${seen} calls looked at, ${total.count} ${request.dryRun ? 'would be' : 'will be'} posted ...`);
    }
  } finally {
    shown.clear();
    stopListening();
    // Also when a later page failed, which then is told by whoever called.
    if (total !== null && place !== null) tell(terminal, brokenOff(total.count, place, request));
  }
  if (total === null) throw new Error('The daemon did not answer.');
  return { total, place };
}

const leftAlone = (total: Total): number =>
  heldIn(total.heldBack) + Object.values(total.leftAlone).reduce((all, one) => all + one, 0);

/** `a` and then `b`. */
export function sum(a: Total, b: Total): Total {
  const reasons = new Set([...Object.keys(a.leftAlone), ...Object.keys(b.leftAlone)]);
  const total = a.count + b.count;
  return {
    count: total,
    checkedFirst: a.checkedFirst + b.checkedFirst,
    delivered: a.delivered + b.delivered,
    skipped: a.skipped + b.skipped,
    heldBack: addHeld(a.heldBack, b.heldBack),
    leftAlone: Object.fromEntries(
      [...reasons].map((reason) => [reason, (a.leftAlone[reason] ?? 0) + (b.leftAlone[reason] ?? 0)]),
    ),
    samples: [...a.samples, ...b.samples],
    meant: a.meant,
    seconds: Math.ceil((total * b.limit.windowMs) / b.limit.requests / 1000),
    limit: b.limit,
  };
}

function brokenOff(done: number, place: string, { dryRun, force }: Request): string {
  if (dryRun) return 'Broken off: the figures are those of a part.';
  const again = force
    ? `The same command with --after ${place} goes on; without that it posts these once more.`
    : 'The same command goes on with the rest: what is on its way already is left alone.';
  return `Broken off after ${count(done, 'call')}. ${again}`;
}

const NAMED = 'and no filter or age holds back a call that you name';
const FREE = 'and no filter holds them back now; their lead and user are looked up again';

function report(total: Total, dryRun: boolean, byId: boolean, secrecy: Privacy): readonly string[] {
  const { count: calls, delivered, skipped, samples, checkedFirst, limit } = total;
  const be = dryRun ? 'would be' : 'will be';
  const time = `at ${limit.requests} requests in ${length(limit.windowMs)} about ${length(total.seconds * 1000)}`;
  return [
    ...(calls === 0 ? [] : [`${count(calls, 'call')} ${be} posted: ${time}, lookups not counted.`]),
    ...(delivered === 0 ? [] : [`${count(delivered, 'delivered call')} ${be} posted a second time.`]),
    ...(skipped === 0 ? [] : [`${skipped} of them ${skipped === 1 ? 'was' : 'were'} skipped, ${byId ? NAMED : FREE}.`]),
    ...(checkedFirst === 0
      ? []
      : [`${checkedFirst} of them ${be} looked for in LeadSquared first: an earlier post may have arrived.`]),
    ...Object.entries(total.leftAlone).map(([reason, number]) => `${count(number, 'call')} left alone: ${reason}.`),
    ...heldLines(total.heldBack, byId),
    ...(dryRun ? samples.flatMap((one) => sample(one, secrecy)) : []),
    ...(dryRun && samples.length < calls ? ['', `The first ${samples.length} of ${calls} are shown.`] : []),
    ...(dryRun && calls > 0 ? ['', 'Nothing was posted: this was a dry run.'] : []),
    ...(!dryRun && calls > 0 ? ['"logcalld calls" shows what becomes of them.'] : []),
  ];
}

function sample({ sessionId, state, body }: Total['samples'][number], secrecy: Privacy): readonly string[] {
  return ['', `${sessionId}  (${state})`, ...bodyLines(body, secrecy).map((line) => `  ${line}`)];
}

function hint(total: Total, { code, reason }: Request): string {
  return leftAlone(total) === 0
    ? `logcalld: No call was selected. Try: ${code === undefined && reason === undefined ? 'logcalld calls list' : 'logcalld status, which shows the reasons'}`
    : 'logcalld: No call is posted again.';
}
