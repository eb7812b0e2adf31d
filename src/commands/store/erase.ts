/** `logcalld erase`: a number is taken out of all that is stored. */
import type { Terminal } from '../../cli/cli.ts';
import { type Invocation, UsageError } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { planOf } from '../../daemon/settings.ts';
import { NETWORK_DIGITS } from '../../telephony/digits.ts';
import { formatNumber, toE164 } from '../../telephony/number.ts';
import { reachRunning } from '../control.ts';
import { count, print, tell } from '../output.ts';
import { progress } from '../progress.ts';
import { configOf } from '../shell.ts';

/** Calls named in one line. */
const NAMED = 20;

export async function erase(invocation: Invocation, terminal: Terminal): Promise<number> {
  const config = configOf(invocation);
  const countries = new Set(config.source.map((source) => planOf(source).country));
  const number = numberOf(invocation.value('number'), [...countries]);
  const dryRun = invocation.flag('dry-run');
  const daemon = await reachRunning(config, 'it is what changes the database');
  const sum = { calls: 0, deliveries: 0, leads: 0, frames: 0, needed: 0, damaged: 0, live: 0 };
  const waiting: string[] = [];
  const shown = progress(terminal);
  for (let cursor: string | undefined, pages = 1; ; pages++) {
    const page = await daemon.call('erase', { ...number, dryRun, ...(cursor === undefined ? {} : { cursor }) });
    for (const key of ['calls', 'deliveries', 'leads', 'frames', 'needed', 'damaged'] as const) sum[key] += page[key];
    // One that ends before the last page is stored behind those that were looked at.
    sum.live = Math.max(sum.live, page.live);
    waiting.push(...page.waiting);
    shown.at(pages, `${sum.calls} calls and ${sum.frames} frames so far ...`);
    if (page.cursor === null) break;
    cursor = page.cursor;
  }
  shown.clear();
  const others =
    sum.deliveries === 0
      ? ''
      : `, and in what LeadSquared was sent or answered about ${count(sum.deliveries, 'other call')}`;
  const found = `${count(sum.calls, 'call')} with deliveries and attempts, ${count(sum.leads, 'lead')} in memory, the number in ${count(sum.frames, 'frame')} of the journal${others}`;
  print(terminal, dryRun ? `Would be erased: ${found}. Nothing was changed.` : `Erased: ${found}.`);
  const { left, others: copies } = dryRun ? { left: null, others: [] } : await daemon.call('tidy', {});
  if (!dryRun)
    print(
      terminal,
      "The PBX's own records of these calls are not taken in again, but the PBX keeps them: erase them there as well.",
    );
  for (const line of remains({ ...sum, waiting, left, others: copies })) tell(terminal, line);
  return waiting.length + sum.live + sum.needed + sum.damaged > 0 || left !== null ? EXIT.failed : EXIT.ok;
}

/** Its national digits, and the whole of it where that is known. `countries`: of the PBXs. */
function numberOf(
  text: string | null,
  countries: readonly string[],
): { readonly digits: string; readonly e164: string | null } {
  const hint = "logcalld erase --number '+919845012345'";
  if (text === null) throw new UsageError('erase needs --number.', hint);
  const [country = ''] = countries;
  if (countries.length > 1 && !/^\s*\+/.test(text))
    throw new UsageError(
      `The PBXs are in several countries (${countries.join(', ')}): write the number with + and its country code.`,
      hint,
    );
  const read = toE164(text.replace(/[ ().-]/g, ''), country);
  // One that exists only inside its country has no such form.
  const e164 = read?.startsWith('+') === true ? read : null;
  const digits = (e164 === null ? null : formatNumber(e164, 'NSN')) ?? text.replace(/\D/g, '').replace(/^0+/, '');
  if (digits.length < NETWORK_DIGITS || digits.length > 15)
    throw new UsageError(`A number to erase has at least ${NETWORK_DIGITS} digits.`, hint);
  return { digits, e164 };
}

interface Remains {
  readonly waiting: readonly string[];
  readonly live: number;
  readonly needed: number;
  readonly damaged: number;
  readonly left: string | null;
  readonly others: readonly string[];
}

/** What still holds it, a line each. */
function remains({ waiting, live, needed, damaged, left, others }: Remains): readonly string[] {
  const named = `${waiting.slice(0, NAMED).join(', ')}${waiting.length > NAMED ? ` and ${waiting.length - NAMED} more` : ''}`;
  return [
    ...(waiting.length === 0
      ? []
      : [`Left, as they are still on their way to LeadSquared: ${named}. Erase again when they are there.`]),
    ...(live === 0
      ? []
      : [
          `${count(live, 'call')} with the number ${live === 1 ? 'goes on or has' : 'go on or have'} just ended: erase again when over.`,
        ]),
    ...(needed === 0
      ? []
      : [
          `${count(needed, 'frame')} of the journal with the number stay, as calls that go on need them: erase again when over.`,
        ]),
    ...(damaged === 0
      ? []
      : [`${count(damaged, 'part')} of the journal cannot be read; they go after [storage] retention.journal.`]),
    ...(left === null ? [] : [left]),
    ...(others.length === 0
      ? []
      : ['These files hold what was stored when they were made; delete those that you do not need:']),
    ...others.map((path) => `  ${path}`),
  ];
}
