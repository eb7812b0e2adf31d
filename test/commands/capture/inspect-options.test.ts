/** What `inspect` prints of numbers; options and names that say nothing, or too much. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command } from '../../cli/world.ts';

const path = (url: string) => new URL(url, import.meta.url).pathname;
const RECORDINGS = '../../fixtures/recordings';
const capture = path(`${RECORDINGS}/asterisk-22/inbound_answered_caller_hangs_up/events.jsonl.gz`);
const records = path(`${RECORDINGS}/freepbx-17/attended_feature/asteriskcdrdb_cdr.csv.gz`);
/** The Asterisk of the lab under a second name. */
const TWICE = "\n[[source]]\ntype = 'asterisk'\nname = 'second'\nusername = 'recorder'\n";
const inspect = (...words: readonly string[]) =>
  command('inspect', '--config', path('../../fixtures/lab.toml'), ...words);

t.test(
  'numbers are masked for the eye unless they are asked for, ids never; JSON is for programs and whole',
  async (t) => {
    const whole = await inspect(capture, '--json');
    const { externalE164, callSessionId } = JSON.parse(whole.out);
    t.match(externalE164, /^\+\d{8,}$/);
    t.equal((await inspect(capture, '--json', '--numbers')).out, whole.out);
    t.match((await inspect(capture, '--numbers')).out, externalE164.slice(1));
    const { out } = await inspect(capture);
    t.match(out, `***${externalE164.slice(-4)}`);
    t.notMatch(out, externalE164.slice(3));
    t.match(out, callSessionId);
  },
);

t.test('a PBX that two sources name is none of the matters of a file', async (t) => {
  const folder = t.testdir({ 'two.toml': readFileSync(path('../../fixtures/lab.toml'), 'utf8') + TWICE });
  const words = ['inspect', capture, '--json', '--source', 'asterisk', '--config', join(folder, 'two.toml')];
  t.match(await command(...words), { code: 0, error: '' });
  t.match(
    (await command('check-config', '--offline', ...words.slice(-2))).error,
    /each of its calls would be logged twice/,
  );
});

t.test('records without a capture have no course that could be explained', async (t) => {
  const { code, error } = await inspect('--source', 'asterisk', '--cdr', records, '--explain', 'all');
  t.equal(code, 2);
  t.match(error, /--explain needs a capture/);
});

t.test('what is captured is plain text, and its name says nothing else', async (t) => {
  const { code, error } = await command('capture', 'calls.jsonl.gz', '--config', path('../../fixtures/lab.toml'));
  t.equal(code, 2);
  t.match(error, /calls\.jsonl\.gz would be plain text/);
});
