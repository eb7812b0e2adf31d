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

interface WatchParts {
  readonly config: Config;
  readonly store: Store;
  readonly policy: DeliveryPolicy;
  readonly callLog: CallLogPolicy;
  readonly conditions: Conditions;
  readonly clock: Clock;
}

/** Rejects with a `StorageError` when the calls cannot be read. */
export async function openWatch({ config, store, policy, callLog, conditions, clock }: WatchParts): Promise<CallWatch> {
  const sources = config.source.map((source) => ({ name: source.name, plan: planOf(source) }));
  const recordingsPosted = postsRecordings(callLog);
  const watch = createCallWatch({ sources, policy, recordingsPosted, conditions, clock });
  watch.known((await store.calls.extensions()).map(({ extension }) => extension));
  for (const { name } of sources) {
    const since = Math.floor(clock.now() - WINDOW_MS);
    const latest = await store.sessions.list({ source: name, since, limit: READ, offset: 0 });
    watch.fill(latest.map(({ record }) => record));
  }
  watch.review();
  return watch;
}

function postsRecordings({ recordingUrl, extraFields }: CallLogPolicy): boolean {
  const names = (template: string) => namesRecordings(template) || /\{(?:file|path)\}/.test(template);
  return recordingUrl !== null || [...extraFields.values()].some(names);
}
