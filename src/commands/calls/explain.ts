/** `logcalld explain`: why a call is what it is, worked out again from the journal; also of a call that was not logged. */
import { isDeepStrictEqual } from 'node:util';
import type { CallDetails, CallWhy } from '../../../adapters/control/api.ts';
import { ControlError } from '../../../adapters/control/refusal.ts';
import type { Config } from '../../../config/schema.ts';
import { type Account, accountOfRecord } from '../../call/explain/account.ts';
import { type Explained, explainCalls } from '../../call/explain/explain.ts';
import type { CallRecord } from '../../call/record.ts';
import { channelIdOf } from '../../call/timeline.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { deliveryPolicyOf, planOf, rulesOf } from '../../daemon/settings.ts';
import { ageAskedAt, skipReason } from '../../delivery/parties/filters.ts';
import { type Asker, asking } from '../control.ts';
import { count, dateTime, print, privacy, tell } from '../output.ts';
import { progress } from '../progress.ts';
import { configOf } from '../shell.ts';
import { type Explanation, explanationLines } from './explanation.ts';
import { type HeardCall, heardWithin, journalOf, searchHeard } from './heard.ts';
import { NOT_OURS } from './history.ts';

/** Flags of calls of which something was told by what was heard of others: by when the PBX was heard, and what its clock was. */
const BY_THE_LINK: ReadonlySet<string> = new Set(['blind-interval', 'end-unknown', 'clock-stepped', 'heard-late']);
/** Before and after what is known of a call its other channels may be heard, ms. */
const AROUND_MS = 60_000;
/** So long after the last word about a call it may only become clear that it is over, ms. */
const LATER_MS = 4 * 3_600_000;

export async function explain(invocation: Invocation, terminal: Terminal): Promise<number> {
  const [id = ''] = invocation.arguments;
  const config = configOf(invocation);
  const secrecy = privacy(invocation.flag('numbers'));
  const now = Date.now();
  return asking(invocation, terminal, async (asker) => {
    const shown = progress(terminal);
    let pages = 0;
    const frames = journalOf(asker, () => {
      pages += 1;
      shown.at(pages, `${count(pages, 'page')} of the journal looked through ...`);
    });
    const details = await storedCall(asker, id);
    const found =
      details === null
        ? await unstored(asker, config, frames, id, now)
        : [await stored(asker, config, frames, details, now)];
    shown.clear();
    if (found.length === 0) {
      tell(terminal, `logcalld: ${unknown(id)}`);
      return EXIT.failed;
    }
    for (const [at, one] of found.entries()) {
      if (invocation.flag('json')) print(terminal, JSON.stringify(secrecy.value(one)));
      else {
        if (at > 0) print(terminal, '');
        for (const line of explanationLines(config, one, secrecy)) print(terminal, line);
      }
    }
    return EXIT.ok;
  });
}

function unknown(id: string): string {
  return (
    `No call has the id ${id}, and nothing that the journal has names it ([storage] retention.journal says for how long it is kept). ` +
    'Give the id of a call, or the whole uniqueid or uuid of one of its legs. Try: logcalld calls list'
  );
}

/** `null`: none. Rejects with `ControlError` when several calls have such an id. */
async function storedCall(asker: Asker, id: string): Promise<CallDetails | null> {
  try {
    return await asker.call('call', { id });
  } catch (error) {
    if (error instanceof ControlError && error.status === 404) return null;
    throw error;
  }
}

type Frames = ReturnType<typeof journalOf>;

/** The account of a stored call. `now`: ms since the epoch. */
export async function stored(
  asker: Pick<Asker, 'call'>,
  config: Config,
  frames: Frames,
  details: CallDetails,
  now: number,
): Promise<Explanation> {
  const { record } = details;
  const why = await asker.call('why', { id: record.callSessionId });
  return explanationOf(config, details, why, await derived(config, frames, details, now), now);
}

function explanationOf(
  config: Config,
  { record, delivery }: CallDetails,
  why: CallWhy,
  own: Explained | Missing,
  now: number,
): Explanation {
  const base = { id: record.callSessionId, asked: null, why, state: delivery?.state ?? null, goingOn: false };
  if (typeof own === 'string')
    return { ...base, from: 'record', because: own, differs: [], unposted: null, account: accountOfRecord(record) };
  const differs = differences(record, own.record);
  const skip = unposted(config, own.record, ageAskedAt(delivery, now));
  return { ...base, from: 'journal', because: null, differs, unposted: skip, account: account(own) };
}

const account = ({ record, topics, legs }: Account): Account => ({ record, topics, legs });

/** Why there is no account but that of the record. */
type Missing = string;

async function derived(
  config: Config,
  frames: Frames,
  details: CallDetails,
  now: number,
): Promise<Explained | Missing> {
  const { record, events } = details;
  const ours = NOT_OURS.find((flag) => record.flags.includes(flag));
  if (ours === 'from-cdr') return "it comes from the PBX's own records, in part or wholly";
  if (ours !== undefined) return 'the journal has only a part of it: it had begun before the PBX was heard';
  const source = config.source.find(({ name }) => name === record.source);
  if (source === undefined) return `the config has no source "${record.source}" any more`;
  if (events.length === 0) return 'the journal has nothing of it any more ([storage] retention.journal)';
  const name = channelIdOf(record);
  const others = record.flags.some((flag) => BY_THE_LINK.has(flag)) ? 'with others' : 'without others';
  const times = events.map(({ receivedAt }) => receivedAt);
  let own: Explained | undefined;
  // Where its end was not heard, that it is over was told later.
  for (const after of [AROUND_MS, LATER_MS]) {
    const span = { since: Math.min(...times) - AROUND_MS, until: Math.min(now, Math.max(...times) + after) };
    const heard = await heardWithin(frames, config, source, name, span, others);
    own = (heard === null ? undefined : accountIn(config, heard, record.callSessionId, now)) ?? own;
    if (own?.goingOn === false) break;
  }
  return own ?? 'the present code makes no such call of what the journal has';
}

function explained(config: Config, { source, events }: HeardCall, now: number): Explained[] {
  return explainCalls(events, source.name, planOf(source), rulesOf(config), now);
}

const accountIn = (config: Config, heard: HeardCall, id: string, now: number): Explained | undefined =>
  explained(config, heard, now).find(({ record }) => record.callSessionId === id);

/** Names of the facts that are not as they are stored; the words of the reasons are none. */
function differences(before: CallRecord, after: CallRecord): string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  return Object.entries(after)
    .filter(([field, value]) => field !== 'reasons' && !isDeepStrictEqual(old.get(field), value))
    .map(([field]) => field);
}

/** The calls that have a leg of this name: logged under another id, going on, or not logged at all. */
async function unstored(
  asker: Asker,
  config: Config,
  frames: Frames,
  id: string,
  now: number,
): Promise<readonly Explanation[]> {
  const heard = await searchHeard(frames, config, id, now);
  if (heard === null) return [];
  const name = id.startsWith(`${heard.source.name}-`) ? id.slice(heard.source.name.length + 1) : id;
  const all = explained(config, heard, now);
  const having = all.filter(({ legs }) => legs.some(({ channel }) => channel === name));
  const found: Explanation[] = [];
  for (const one of having.length > 0 ? having : all) {
    const { callSessionId } = one.record;
    const details = await storedCall(asker, callSessionId);
    const known = details?.record.callSessionId === callSessionId ? details : null;
    if (known !== null) {
      const why = await asker.call('why', { id: callSessionId });
      found.push({ ...explanationOf(config, known, why, one, now), asked: id });
      continue;
    }
    found.push({
      ...{ id: callSessionId, asked: id, from: 'journal', state: null, why: null, differs: [] },
      because: one.goingOn ? null : rederivation(one.record),
      unposted: unposted(config, one.record, now),
      goingOn: one.goingOn,
      account: account(one),
    });
  }
  return found;
}

/** Why the call would not be posted by the config as it is now, `null`: it would. The users file has no part in that. */
function unposted(config: Config, record: CallRecord, now: number): string | null {
  const { leadsquared } = config;
  const user = { ...leadsquared.user, file: null };
  return (
    skipReason(record, deliveryPolicyOf({ ...config, leadsquared: { ...leadsquared, user } }), now)?.reason ?? null
  );
}

function rederivation({ startedAt }: CallRecord): string {
  const since = dateTime(startedAt - 60_000)
    .replace(' ', 'T')
    .slice(0, 16);
  const until = dateTime(startedAt + 60_000)
    .replace(' ', 'T')
    .slice(0, 16);
  return `it is not stored; "logcalld sessions rederive --since ${since} --until ${until} --apply" stores it, unless it was erased or removed`;
}
