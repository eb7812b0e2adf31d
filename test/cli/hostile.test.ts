/** Whatever callers, PBXs and the CRM put into texts: no command hands it to the terminal, and JSON keeps all of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import type { Handlers, RequestName } from '../../adapters/control/api.ts';
import { connectControl } from '../../adapters/control/client.ts';
import { ControlError } from '../../adapters/control/refusal.ts';
import { openControl } from '../../adapters/control/server.ts';
import { controlPath } from '../../src/commands/control.ts';
import { VERSION } from '../../src/daemon/version.ts';
import type { Gap } from '../../src/records/gaps.ts';
import { visible } from '../../src/telephony/visible.ts';
import { anyText, runs } from '../support/runs.ts';
import { settled, world } from './world.ts';

t.setTimeout(120_000);

const CAPTURES = ['inbound_answered_caller_hangs_up', 'outbound_busy', 'internal_answered'];

/** What must not come out: beside the line breaks of the program itself. */
const STEERING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u3164\u115f]|\u034f|\ufe0f/u;

const pieces = fc.constantFrom(
  ...['\u001b[2J', '\u001b]0;x\u0007', '\u009b31m', '\n', '\r\n', '\t', '\0', '\u007f', '\u2028', '\u2029'],
  ...['\u200b', '\u200d', '\u202e', '\u2066', '\u200f', '\ufeff', '\u00ad', '\u3164', '\u034f', '\ufe0f'],
  ...['\u{e0041}', '\ud800', '\udfff', 'e\u0301', '\u{1f600}', '\u5b57', '"', '\\', '\\n', "'", '<b>', '-', 'Bob'],
);
const hostile = fc
  .array(fc.oneof({ weight: 3, arbitrary: pieces }, anyText(4)), { minLength: 1, maxLength: 6 })
  .map((some) => some.join(''))
  // Nothing at all is left out where it would be shown.
  .filter((text) => text !== '');

/** Words of the program itself: states, kinds, and what they are chosen by. */
const OWN = new Set([
  ...[
    'state',
    'step',
    'severity',
    'direction',
    'status',
    'trigger',
    'outcome',
    'match',
    'circuit',
    'standing',
    'kind',
    'source',
  ],
  ...['version', 'database', 'cursor', 'code', 'type', 'technology', 'side', 'form', 'cause', 'result', 'how', 'role'],
]);

/** The same with this text at the end of each that somebody else may have written. */
function tainted(value: unknown, text: string, key = ''): unknown {
  if (typeof value === 'string') return OWN.has(key) && key !== 'cause' ? value : value + text;
  if (Array.isArray(value)) return value.map((item) => tainted(item, text, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, tainted(inner, text, name)]));
}

const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['status', '--json'],
  ['calls'],
  ['calls', '--json', '--numbers'],
  ['calls', '--agent', 'x', '--user', 'y'],
  ['calls', 'show', 'x', '--body'],
  ['calls', 'show', 'x', '--json', '--numbers'],
  ['gaps', '--calls'],
  ['gaps', '--json', '--calls'],
  ['users'],
  ['users', '--json'],
  ['replay', 'x', '--dry-run'],
  ['replay', 'x', '--dry-run', '--json'],
  ['backfill', '--since', '1h', '--dry-run'],
  ['backfill', '--since', '1h', '--dry-run', '--json'],
  ['reload'],
];

t.test('hostile texts', async (t) => {
  const it = await world(CAPTURES);
  t.teardown(() => it.end());
  await it.start();
  await settled(it, 3);
  const client = await connectControl(controlPath(it.config, {}), VERSION);
  if (client === null) throw new Error('the daemon does not answer');
  const listed = await client.call('calls', { limit: 10 });
  const ids = listed.rows.map(({ record }) => record.callSessionId);
  const status = await client.call('status', {});
  const [record] = listed.rows.map((row) => row.record);
  if (record === undefined) throw new Error('no call');
  const gap: Gap = {
    ...{ id: 1, source: 'asterisk', beganAt: 1, endedAt: 2, reason: 'Lost.', live: 1, state: 'unfilled', filledTo: {} },
    ...{ created: 0, completed: 0, skipped: 0, note: 'Gone.', settledAt: 3, listedAt: 2 },
  };
  const replies: Record<string, unknown> = {
    status: {
      ...status,
      ...{ gaps: [gap], live: [record] },
      strangers: { count: 2, names: [{ extension: '1001', domain: 'a.example' }], calls: 3, lastAt: 1 },
      sources: status.sources.map((source) => ({ ...source, problem: 'It is deaf.' })),
      conditions: [{ code: 'x', severity: 'error', text: 'Bad.', source: null, lines: ['a = 1'] }],
      counts: { ...status.counts, parkedReasons: [{ reason: 'No user.', count: 2 }] },
    },
    calls: { ...listed, meant: ['Agent 1001'] },
    call: await client.call('call', { id: ids[0] ?? '' }),
    users: await client.call('users', {}),
    gaps: { gaps: [{ ...gap, calls: listed.rows }] },
    find: { ids },
    replay: await client.call('replay', { ids, force: true, dryRun: true, samples: 3 }),
    backfill: {
      ...{ place: 'the file', since: 0, upTo: 1, created: [record], completed: [], cursor: null },
      skipped: [{ count: 1, why: 'A line is cut off.' }],
    },
    retry: { standing: 'away', cause: 'Away.' },
  };
  await it.stop();

  let text = '';
  let refuse = false;
  const answer = async (name: string): Promise<unknown> => {
    if (name === 'hello') return { version: VERSION, pid: 1, database: it.config.storage.path };
    if (refuse) throw new ControlError(409, `No: ${text}`);
    return tainted(replies[name], text);
  };
  const server = await openControl(controlPath(it.config, {}));
  t.teardown(() => server.close());
  server.serve(new Proxy({} as Handlers, { get: (_, name) => () => answer(name as RequestName) }));

  const lineCount = async (words: readonly string[]) => {
    const { out, error } = await it.run(...words);
    const lines = `${out}${error}`.split('\n');
    const wrong = lines.find((line) => STEERING.test(line));
    if (wrong !== undefined) throw new Error(`${words.join(' ')} printed ${JSON.stringify(wrong)}`);
    return { lines: lines.length, out };
  };

  text = 'x';
  const usual = new Map<readonly string[], number>();
  for (const words of COMMANDS) {
    const { lines } = await lineCount(words);
    t.ok(lines > 1, words.join(' '));
    usual.set(words, lines);
  }
  await fc.assert(
    fc.asyncProperty(hostile, async (evil) => {
      text = evil;
      refuse = false;
      for (const words of COMMANDS) {
        const { lines, out } = await lineCount(words);
        if (lines !== usual.get(words)) throw new Error(`${words.join(' ')} printed another number of lines:\n${out}`);
        if (!words.includes('--json')) continue;
        const objects = out
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as unknown);
        if (!words.includes('--numbers')) continue;
        const { rows } = replies.calls as typeof listed;
        const wanted = words.includes('show') ? [replies.call] : rows.map((row) => ({ contract: 1, ...row }));
        if (!isDeepStrictEqual(objects, tainted(wanted, text))) throw new Error('JSON lost something');
      }
      refuse = true;
      for (const words of [['status'], ['calls'], ['pause']]) {
        const { lines } = await lineCount(words);
        if (lines !== 2) throw new Error(`${words[0]}: an error is one line`);
      }
    }),
    runs(6, 300),
  );
  t.pass('no command printed any of it');
});

t.test('a line of JSON, made visible as log lines are, is valid and means the same', async (t) => {
  fc.assert(
    fc.property(hostile, (evil) => {
      const line = visible(JSON.stringify({ [evil]: evil }));
      if (STEERING.test(line) || STEERING.test(visible(evil))) throw new Error(JSON.stringify(line));
      if (!isDeepStrictEqual(JSON.parse(line), { [evil]: evil })) throw new Error('JSON lost something');
    }),
    runs(200, 5_000),
  );
  t.equal(visible('a\u{e0041}\u009b\n'), 'a\\udb40\\udc41\\u009b\\n');
});

t.test('there is no other way to a terminal', async (t) => {
  const folder = join(import.meta.dirname, '../../src');
  const writers = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .filter((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      return /\b\w*[tT]erminal\.(out|error)\(|process\.std(out|err)\.write|console\.\w+\(/.test(text);
    });
  t.same(writers.sort(), [
    ...[
      'cli/cli.ts',
      'commands/here/here.ts',
      'commands/index.ts',
      'commands/output.ts',
      'commands/progress.ts',
      'commands/terminal.ts',
    ],
  ]);
});
