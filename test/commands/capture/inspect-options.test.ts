/** What `inspect` prints of numbers, and options that say nothing together. */
import t from 'tap';
import { command } from '../../cli/world.ts';

const path = (url: string) => new URL(url, import.meta.url).pathname;
const RECORDINGS = '../../fixtures/recordings';
const capture = path(`${RECORDINGS}/asterisk-22/inbound_answered_caller_hangs_up/events.jsonl.gz`);
const records = path(`${RECORDINGS}/freepbx-17/attended_feature/asteriskcdrdb_cdr.csv.gz`);
const inspect = (...words: readonly string[]) =>
  command('inspect', '--config', path('../../fixtures/lab.toml'), ...words);

t.test('numbers are masked unless they are asked for, ids never', async (t) => {
  const whole = await inspect(capture, '--numbers', '--json');
  const { externalE164, callSessionId } = JSON.parse(whole.out);
  t.match(externalE164, /^\+\d{8,}$/);
  for (const form of [[], ['--json']]) {
    t.match((await inspect(capture, '--numbers', ...form)).out, externalE164.slice(1));
    const { out } = await inspect(capture, ...form);
    t.match(out, `***${externalE164.slice(-4)}`);
    t.notMatch(out, externalE164.slice(3));
    t.match(out, callSessionId);
  }
});

t.test('records without a capture have no course that could be explained', async (t) => {
  const { code, error } = await inspect('--source', 'asterisk', '--cdr', records, '--explain', 'all');
  t.equal(code, 2);
  t.match(error, /--explain needs a capture/);
});
