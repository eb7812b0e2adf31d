/** Man pages and completions: as the command table and the config are now, without a warning, and completing. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { COMMANDS } from '../../src/cli/commands.ts';
import { configPage } from '../../systemd/package/manual/config.ts';
import { FOLDER, made } from '../../systemd/package/manual/made.ts';

t.test('they are as the sources are', async (t) => {
  for (const { name, text } of made())
    t.equal(readFileSync(join(FOLDER, name), 'utf8') === text, true, `${name}: run "npm run manual"`);
});

const groff = spawnSync('groff', ['--version']).error === undefined ? false : 'groff is not installed';

t.test('roff finds nothing to warn of', { skip: groff }, async (t) => {
  for (const page of ['logcalld.8', 'logcalld.toml.5']) {
    const ran = spawnSync('groff', ['-ww', '-man', '-Tutf8', '-z', join(FOLDER, page)], { encoding: 'utf8' });
    t.same([ran.status, ran.stderr], [0, ''], page);
  }
});

t.test('the page of commands has every command with its options', async (t) => {
  const page = readFileSync(join(FOLDER, 'logcalld.8'), 'utf8').replaceAll('\\-', '-');
  for (const { name } of COMMANDS) t.ok(page.includes(`.SS "logcalld ${name}`), name);
});

t.test('a key that only the schema or only the example has is an error', async (t) => {
  const keys = [{ path: 'one', expected: 'a word' }];
  t.match(configPage("# For this.\n#one = 'x'\n", keys), /\\fBone\\fR\nFor this\.\n\.br\nDefault: .*Value: a word\./);
  t.throws(() => configPage('', keys), /lacks one/);
  t.throws(() => configPage("#one = 'x'\n#two = 'x'\n", keys), /no two/);
});

const bash = spawnSync('bash', ['--version']).error === undefined ? false : 'bash is not installed';

t.test('bash completes commands, second words, options and files', { skip: bash }, async (t) => {
  const script = `cd "${FOLDER}"; . ./logcalld.bash
    try() { COMP_WORDS=(logcalld "$@"); COMP_CWORD=$#; _logcalld; echo "\${COMPREPLY[*]}"; }
    try ca; try calls sh; try calls show --bo; try status --config logcalld.to; try --config x calls sh; try backup logcalld.b; try calls list --limit ''`;
  const ran = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
  t.same(ran.stdout.split('\n'), [
    'calls capture',
    'show',
    '--body',
    'logcalld.toml.5',
    'show',
    'logcalld.bash',
    '',
    '',
  ]);
});
