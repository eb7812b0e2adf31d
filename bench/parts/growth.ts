/**
 * What the age of the process costs: CPU and heap for each call, on PBXs where something never ends, for the first and the last
 * calls of many; then what is done with a large reply of LeadSquared, beside reading its JSON. The agent pool and the nailed-up
 * agent are recordings of an Asterisk and a FreeSWITCH, played for one customer after the other.
 */
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { judge } from '../../adapters/leadsquared/http/outcome.ts';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import { Redactor, Secret } from '../../src/secret.ts';
import { type Lasting, lastingPbxs } from '../../test/support/lasting.ts';
import type { Line, Options } from '../support/report.ts';

const CALLS = 20_000;
const MEASURED = 1_000;
/** Before the first ones the compiler is to have done its work, and the lists with an upper limit are to be full. */
const SETTLED = 11_000;
const CALLS_SHORT = 6000;
const SETTLED_SHORT = 3000;
const REPLIES = 15;

interface Cost {
  /** CPU of a call, us: the middle one, which other programs of the machine disturb least. */
  readonly micros: number;
  /** Of the heap after the calls, bytes. */
  readonly heap: number;
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

function measure(table: CallTable, story: Lasting, from: number, to: number, collect: () => void): Cost {
  const micros: number[] = [];
  for (let number = from; number < to; number += 1) {
    const events = story.call(number);
    const before = process.cpuUsage();
    for (const event of events) table.apply(event);
    const { user, system } = process.cpuUsage(before);
    micros.push(user + system);
  }
  collect();
  const middle = micros.sort((a, b) => a - b)[micros.length >> 1] ?? 0;
  return { micros: middle, heap: process.memoryUsage().heapUsed };
}

function growth(story: Lasting, calls: number, settled: number, collect: () => void): Line[] {
  const table = new CallTable('pbx', story.plan, DEFAULT_RULES);
  for (const event of story.before) table.apply(event);
  measure(table, story, 0, settled, collect);
  const first = measure(table, story, settled, settled + MEASURED, collect);
  measure(table, story, settled + MEASURED, calls - MEASURED, collect);
  const last = measure(table, story, calls - MEASURED, calls, collect);
  const kept = ((last.heap - first.heap) / (calls - settled - MEASURED)) * 1000;
  const what = `${story.pbx}, ${story.name}`;
  return [
    { measure: `${what}: CPU of the last calls, of the first`, unit: 'us', value: last.micros, baseline: first.micros },
    { measure: `${what}: heap kept of 1,000 calls`, unit: 'KB', value: kept / 1024 },
  ];
}

/** The shortest of several times, ms. */
function shortest(run: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < REPLIES; turn += 1) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

function reply(name: string, value: unknown, indent: number): Line {
  const body = JSON.stringify({ Status: 'Success', List: value }, null, indent);
  const keys = ['u$r0123456789abcdef0123456789', '0123456789abcdef0123456789abcdef'];
  const redactor = new Redactor(keys.map((key) => new Secret(key)));
  const parse = shortest(() => JSON.parse(body));
  const taken = shortest(() => {
    judge('read', { kind: 'answer', status: 200, headers: {}, body: redactor.redact(body), complete: true }, 0);
  });
  const size = `${(body.length / 1e6).toFixed(1)} MB`;
  return {
    measure: `a reply, ${name}, ${size}: taken in, beside JSON.parse`,
    unit: 'ms',
    value: taken,
    baseline: parse,
  };
}

/** Calls one after the other on each PBX, then replies. */
export async function run({ short, print }: Options): Promise<Line[]> {
  const collect = collector();
  const calls = short ? CALLS_SHORT : CALLS;
  const settled = short ? SETTLED_SHORT : SETTLED;
  print(`Calls one after the other: ${MEASURED} after ${settled} calls, and ${MEASURED} after ${calls - MEASURED}`);
  const leads = Array.from({ length: 4500 }, (_, number) => ({
    ProspectID: `${number}`,
    Phone: '+919845012345',
    Notes: 'a b c',
  }));
  const wordy = leads.map((lead) => ({ ...lead, Notes: 'a b '.repeat(100) }));
  return [
    ...(await lastingPbxs()).flatMap((story) => growth(story, calls, settled, collect)),
    reply('leads with much indentation', leads, 10),
    reply('notes of single letters', wordy, 0),
    reply('one note of blanks', ' '.repeat(2_100_000), 0),
  ];
}
