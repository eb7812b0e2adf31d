import t from 'tap';
import { type CommandBody, runCommandLine } from '../../src/cli/cli.ts';
import type { Invocation } from '../../src/cli/command.ts';
import { UsageError } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { parseWhen } from '../../src/cli/when.ts';

async function cli(line: string) {
  let out = '';
  let error = '';
  const ran: Invocation[] = [];
  const body: CommandBody = async (invocation) => {
    ran.push(invocation);
    return 7;
  };
  const bodies = {
    demo: body,
    run: body,
    init: body,
    'check-config': body,
    doctor: body,
    'calls list': body,
    'calls show': body,
    replay: body,
    status: body,
    pause: body,
    resume: body,
    reload: body,
    acknowledge: body,
    backup: body,
    erase: body,
    restore: body,
    salvage: body,
    users: body,
    'sessions rederive': body,
    capture: body,
    inspect: body,
    explain: body,
    tail: body,
    gaps: body,
    backfill: body,
    sandbox: body,
    version: body,
  };
  const words = line.split(' ').filter(Boolean);
  const code = await runCommandLine(words, bodies, { out: (text) => (out += text), error: (text) => (error += text) });
  return { code, out, error, invocation: ran[0], name: ran[0]?.command.name };
}

t.test('commands are found by name and by alias', async (t) => {
  for (const [line, name] of [
    ['', 'demo'],
    ['run', 'run'],
    ['calls', 'calls list'],
    ['calls --json', 'calls list'],
    ['calls list', 'calls list'],
    ['calls show 1', 'calls show'],
    ['calls replay 1', 'replay'],
    ['--version', 'version'],
  ]) {
    const { code, ...rest } = await cli(line ?? '');
    t.same([rest.name, code], [name, 7], line ?? '');
  }
});

t.test('options and arguments', async (t) => {
  const { invocation } = await cli('inspect a b -c x.toml --json --cdr one --cdr=two');
  t.same(invocation?.arguments, ['a', 'b']);
  t.equal(invocation?.value('config'), 'x.toml');
  t.equal(invocation?.value('source'), null);
  t.same(invocation?.values('cdr'), ['one', 'two']);
  t.ok(invocation?.flag('json'));
  t.notOk((await cli('inspect a')).invocation?.flag('json'));
});

t.test('what is not understood costs one line with something to try, status 2', async (t) => {
  for (const [line, message] of [
    ['rnu', 'There is no command rnu. Try: logcalld run'],
    ['xyzzy', 'There is no command xyzzy. Try: logcalld --help'],
    ['calls shwo 1', 'There is no command calls shwo. Try: logcalld calls show'],
    ['help rnu', 'There is no command rnu. Try: logcalld run'],
    ['--json', '--json is given without a command. Try: logcalld --help'],
    ['run --confg x', 'logcalld run has no option --confg. Try: logcalld run --config'],
    ['run -x', 'logcalld run has no option -x. Try: logcalld run --help'],
    ['run --config', '--config needs a value (FILE). Try: logcalld run --help'],
    ['inspect a --config --json', '--config needs a value (FILE). Try: logcalld inspect --help'],
    ['run --config=', '--config needs a value (FILE). Try: logcalld run --help'],
    ['calls --json=yes', '--json takes no value. Try: logcalld calls list --help'],
    ['run -c a -c b', '--config is given 2 times. Try: logcalld run --help'],
    ['run now', 'logcalld run takes no argument, but now is given. Try: logcalld run --help'],
    ['capture', 'logcalld capture needs FILE. Try: logcalld capture --help'],
    ['calls show 1 2', 'logcalld calls show takes one ID, but 2 are given. Try: logcalld calls show --help'],
  ]) {
    const { code, error, name } = await cli(line ?? '');
    t.same([code, error, name], [2, `logcalld: ${message}\n`, undefined], line ?? '');
  }
});

t.test('help names every command and every option, in lines that fit', async (t) => {
  const all = await cli('--help');
  t.equal(all.code, 0);
  t.same((await cli('help')).out, all.out);
  for (const command of COMMANDS) {
    t.match(all.out, `  ${command.name}`);
    const { code, out, name } = await cli(`${command.name} --help`);
    t.same([code, name], [0, undefined]);
    for (const option of 'options' in command ? command.options : []) t.match(out, `--${option.name}`);
    t.same((await cli(`help ${command.name}`)).out, out);
    for (const line of `${all.out}\n${out}`.split('\n')) t.ok(line.length <= 100, line);
  }
});

t.test('errors of a command are not taken for errors of the command line', async (t) => {
  const bodies = new Proxy({} as never, { get: () => async () => Promise.reject(new Error('disk')) });
  await t.rejects(runCommandLine(['run'], bodies, { out() {}, error() {} }), { message: 'disk' });
});

t.test('times', async (t) => {
  const now = Date.UTC(2026, 10, 22, 12);
  t.equal(parseWhen('--since', '90m', now), now - 5_400_000);
  t.equal(parseWhen('--since', '2026-11-22T09:00:00Z', now), Date.UTC(2026, 10, 22, 9));
  t.equal(parseWhen('--since', '2026-11-22T09:00+05:30', now), Date.UTC(2026, 10, 22, 3, 30));
  t.equal(parseWhen('--since', '2026-11-22', now), new Date(2026, 10, 22).getTime());
  t.equal(parseWhen('--since', '2026-11-22 09:00', now), new Date(2026, 10, 22, 9).getTime());
  t.equal(parseWhen('--since', '1w', now), now - 7 * 86_400_000);
  for (const text of ['tomorrow', '2026-13-01', '2026-02-30', '5', '', '22.11.2026', '25:00', '10:02Z']) {
    t.throws(() => parseWhen('--since', text, now), UsageError, text);
  }
});
