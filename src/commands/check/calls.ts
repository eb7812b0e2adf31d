/** What the calls logged so far tell of the config: numbers that cannot be read, recordings without names. */
import { existsSync } from 'node:fs';
import { createClock } from '../../../adapters/host/clock.ts';
import { openReadOnly } from '../../../adapters/sqlite/thread/read-only.ts';
import type { Config } from '../../../config/schema.ts';
import { callLogPolicyOf, deliveryPolicyOf } from '../../daemon/settings.ts';
import { openWatch } from '../../daemon/watch.ts';
import { createConditions, type RaisedCondition } from '../../health/conditions.ts';
import { WINDOW_MS } from '../../health/shares.ts';
import type { Clock } from '../../ports.ts';
import type { Finding } from './finding.ts';

const DAYS = Math.round(WINDOW_MS / 86_400_000);

/** Read by the config as it is now, so that a line just added shows whether it helps. Nothing before the first start. */
export async function callFindings(config: Config, clock: Clock = createClock()): Promise<readonly Finding[]> {
  const { path } = config.storage;
  if (!existsSync(path)) return [];
  try {
    const file = openReadOnly(path);
    try {
      const conditions = createConditions({ write: () => {} });
      const faults: Finding[] = [];
      const watch = await openWatch({
        config,
        store: file.remote,
        policy: deliveryPolicyOf(config),
        callLog: callLogPolicyOf(config),
        conditions,
        clock,
        onFault: (text) => faults.push({ level: 'warn', about: 'calls so far', text }),
      });
      watch.stop();
      const found = [...faults, ...conditions.raised().map(findingOf)];
      return found.length > 0
        ? found
        : [{ level: 'ok', about: 'calls so far', text: `nothing unusual in those of the last ${DAYS} days` }];
    } finally {
      file.close();
    }
  } catch (error) {
    const text = `not looked at: ${error instanceof Error ? error.message : String(error)}`;
    return [{ level: 'info', about: 'calls so far', text }];
  }
}

function findingOf({ severity, source, text, lines }: RaisedCondition): Finding {
  const about = source === null ? 'calls so far' : `calls of ${source}`;
  return { level: severity === 'notice' ? 'info' : 'warn', about, text, lines };
}
