/**
 * How much memory and time a long Master.csv takes, and how long it holds up what else is to be done: not a test, as it says how fast this machine is.
 *
 *   npx node --expose-gc test/adapters/asterisk/records/large.ts [MEGABYTES]
 */

import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createFileRecords } from '../../../../adapters/asterisk/records/files/place.ts';
import { DEFAULT_RULES } from '../../../../src/call/correlate.ts';
import { pageMerger } from '../../../../src/records/merge.ts';
import { SAME_TIME } from '../../../../src/records/pbx-time.ts';
import { labPlan } from '../../../support/recordings.ts';
import { SOURCE } from './support.ts';

const megabytes = Number(process.argv[2] ?? 100);
const folder = mkdtempSync(join(tmpdir(), 'logcalld-large-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'Master.csv');

/** One call every two seconds, as a large call centre has them. */
const BEGUN = Date.UTC(2026, 0, 1) / 1000;
const EVERY_S = 2;

function line(call: number): string {
  const at = BEGUN + call * EVERY_S;
  const time = (seconds: number): string =>
    new Date((at + seconds) * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const id = `${at}.${call}`;
  const hex = call.toString(16).padStart(8, '0');
  return `"","+9198450${String(call % 100_000).padStart(5, '0')}","8041110001","from-trunk","""A B"" <+91984501234>","PJSIP/trunk-in-${hex}","PJSIP/1001-${hex}","Dial","PJSIP/1001,20","${time(0)}","${time(4)}","${time(64)}",64,60,"ANSWERED","DOCUMENTATION","${id}","","","${id}",${call}\n`;
}

let calls = 0;
const out = createWriteStream(file);
for (let written = 0; written < megabytes * 1e6; calls += 1) {
  const text = line(calls);
  written += text.length;
  if (!out.write(text)) await once(out, 'drain');
}
out.end();
await once(out, 'finish');

const none = { ids: new Set<string>(), mentioned: new Set<string>() };
/** As the daemon takes pages in, but for the database. */
const merge = pageMerger({
  ...{ source: SOURCE, plan: labPlan('asterisk'), rules: DEFAULT_RULES, time: () => SAME_TIME },
  ...{ bootedAt: () => null, erasures: { covered: async () => [] } },
  known: {
    stored: async () => [],
    isOpen: () => false,
    settled: async () => true,
    heard: async () => none,
    elsewhere: async () => ({ theirs: new Set(), alike: new Set() }),
    lists: async () => [],
  },
  store: async (records) => ({ inserted: records.map(({ callSessionId }) => callSessionId), changed: [] }),
});

/** Reads a span, and watches the memory of the process meanwhile. */
async function measure(title: string, span: { from: number; to: number }): Promise<void> {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 5);
  const turns = monitorEventLoopDelay({ resolution: 1 });
  turns.enable();
  const began = performance.now();
  let pages = 0;
  let calls = 0;
  const place = createFileRecords({ source: SOURCE, files: [{ table: 'cdr', file, columns: [] }] });
  for await (const page of place.read(span)) {
    most = Math.max(most, process.memoryUsage().rss);
    pages += 1;
    calls += (await merge(page.events, { span, time: SAME_TIME })).created.length;
  }
  clearInterval(watch);
  turns.disable();
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const grown = ((most - before) / 1e6).toFixed(0);
  const longest = (turns.max / 1e6).toFixed(0);
  console.log(
    `${title}: ${seconds} s, ${pages} pages, ${calls} calls, longest turn ${longest} ms, RSS grew by at most ${grown} MB`,
  );
}

console.log(`${(statSync(file).size / 1e6).toFixed(0)} MB, ${calls} calls`);
const last = (BEGUN + calls * EVERY_S) * 1000;
await measure('ten minutes in the middle', {
  from: (BEGUN * 1000 + last) / 2,
  to: (BEGUN * 1000 + last) / 2 + 600_000,
});
await measure('the last ten minutes', { from: last - 600_000, to: last });
await measure('two days', { from: last - 2 * 86_400_000, to: last });
await measure('all of it', { from: BEGUN * 1000, to: last + 100_000 });
