/** The watch over the calls, filled with the last ones that are stored. */
import type { CallLogPolicy } from '../../adapters/leadsquared/policy.ts';
import { namesRecordings } from '../../adapters/leadsquared/template.ts';
import type { Config } from '../../config/schema.ts';
import type { DeliveryPolicy } from '../delivery/policy.ts';
import { type CallWatch, createCallWatch } from '../health/call-watch.ts';
import type { Conditions } from '../health/conditions.ts';
import { WINDOW_MS } from '../health/shares.ts';
import type { Clock } from '../ports.ts';
import type { Store } from './answers/lookup.ts';
import { planOf } from './settings.ts';

/** Calls read for each PBX: most of the time far more than the windows need, also where nearly all are internal. */
const READ = 500;
/** Ids named in one sentence. */
const NAMED = 5;

interface WatchParts {
  readonly config: Config;
  readonly store: Store;
  readonly policy: DeliveryPolicy;
  readonly callLog: CallLogPolicy;
  readonly conditions: Conditions;
  readonly clock: Clock;
  /** In one sentence. */
  readonly onFault: (text: string) => void;
}

/** What stands in the calls is of help to the operator: where they cannot be read, that is told, and the watch begins without them. */
export async function openWatch(parts: WatchParts): Promise<CallWatch> {
  const { config, store, policy, callLog, conditions, clock, onFault } = parts;
  const sources = config.source.map((source) => ({ name: source.name, plan: planOf(source) }));
  const recordingsPosted = postsRecordings(callLog);
  const watch = createCallWatch({ sources, policy, recordingsPosted, conditions, clock });
  try {
    watch.known((await store.calls.extensions()).map(({ extension }) => extension));
    for (const { name } of sources) {
      const since = Math.floor(clock.now() - WINDOW_MS);
      const { found, unreadable } = await store.sessions.list({ source: name, since, limit: READ, offset: 0 });
      watch.fill(found.map(({ record }) => record));
      if (unreadable.length > 0) onFault(unreadableText(unreadable));
    }
  } catch (error) {
    onFault(`The calls of the last days could not be looked through for what is wrong with them: ${String(error)}`);
  }
  watch.review();
  return watch;
}

/** One sentence about calls, by their ids, of which what is stored is no JSON. */
export function unreadableText(ids: readonly string[]): string {
  const named = ids.slice(0, NAMED).join(', ');
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : '';
  return (
    `What is stored of ${ids.length === 1 ? 'a call' : `${ids.length} calls`} cannot be read, and is left out (${named}${more}): ` +
    'somebody or the disk changed the database; a backup may have it ("logcalld salvage").'
  );
}

/** The same of the connection to a PBX on which its open calls began. */
export function lostConnectionText(source: string): string {
  return `What is stored of the connection to ${source} cannot be read: its calls that are going on are judged without it.`;
}

function postsRecordings({ recordingUrl, extraFields }: CallLogPolicy): boolean {
  const names = (template: string) => namesRecordings(template) || /\{(?:file|path)\}/.test(template);
  return recordingUrl !== null || [...extraFields.values()].some(names);
}
