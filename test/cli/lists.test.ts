/** `calls` as people and programs ask: whose, when, from where on, on which screen; and what README promises of its JSON. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runCommandLine, type Terminal } from '../../src/cli/cli.ts';
import { bodies } from '../../src/commands/index.ts';
import { logcalldIn, settled, world } from './world.ts';

t.setTimeout(60_000);

/** A command that goes on until it is interrupted. */
function watching(...words: readonly string[]) {
  const node = join(PROJECT, 'node_modules', '.bin', 'node');
  const child = spawn(node, [join(PROJECT, 'src', 'logcalld.js'), ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  return {
    objects: () => lines(out).map((line) => JSON.parse(line)),
    async lines(count: number): Promise<void> {
      while (lines(out).length < count) await once(child.stdout, 'data');
    },
    async end(): Promise<number | null> {
      child.kill('SIGINT');
      if (child.exitCode === null) await once(child, 'exit');
      return child.exitCode;
    },
  };
}

const PROJECT = join(import.meta.dirname, '..', '..');
const CAPTURES = ['inbound_answered_caller_hangs_up', 'outbound_busy', 'internal_answered'];
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

const ESCAPE = '\u001b';

/** Fields of an object, `a.b`; of a list only the list. */
const fieldsOf = (value: object, before = ''): string[] =>
  Object.entries(value).flatMap(([name, inner]) => {
    const path = `${before}${name}`;
    return path === 'record' ? fieldsOf(inner as object, 'record.') : [path];
  });

t.test('lists of calls', async (t) => {
  const it = await world(CAPTURES);
  t.teardown(() => it.end());
  await it.start();
  await settled(it, 3);
  const config = ['--config', join(it.directory, 'logcalld.toml')];
  const objects = async (...words: readonly string[]) => {
    const { code, out, error } = await it.run('calls', '--json', ...words);
    t.equal(code, 0, error);
    return lines(out).map((line) => JSON.parse(line));
  };
  const all = await objects();

  await t.test('the JSON has the fields that README names, and no other', async (t) => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    const [, table = ''] = readme.split('### The JSON of calls');
    const rows = [...(table.split('\nAn object tells')[0] ?? '').matchAll(/^\| (`[^|]*) \|/gm)];
    const named = rows.flatMap(([, cell = '']) => [...cell.matchAll(/`([\w.]+)`/g)].map(([, name = '']) => name));
    t.equal(all.length, 3);
    for (const one of all) {
      t.same(fieldsOf(one).sort(), [...named].sort());
      t.equal(one.contract, 1);
    }
  });

  await t.test('whose calls', async (t) => {
    const answered = all.find(({ record }) => record.direction === 'Inbound');
    const ids = (some: typeof all) => some.map(({ record }) => record.callSessionId);
    const agent = answered.record.agent;
    t.ok(ids(await objects('--agent', agent)).includes(answered.record.callSessionId));
    t.same(
      ids(await objects('--agent', `agent ${agent}`)),
      ids(await objects('--agent', agent)),
      'by the name of the user',
    );
    t.ok(ids(await objects('--user', `agent${agent}@example.com`)).includes(answered.record.callSessionId));
    t.same(await objects('--agent', '1999'), []);
    const named = await it.run('calls', '--user', 'Agent');
    t.match(named.error, /^Calls of Agent 1001, Agent 1002/, 'a part of a name means all of them, and says so');
    const nobody = await it.run('calls', '--user', 'nobody');
    t.same([nobody.code, nobody.out], [1, '']);
    t.match(nobody.error, /LeadSquared has no user nobody .* Try: logcalld users --config /);
    t.match((await it.run('calls', '--agent', 'nobody')).error, /nobody is no extension, and no user of LeadSquared/);
    t.equal((await objects('--status', 'busy')).length, 1);
    t.equal((await objects('--at', 'today', '--utc')).length + (await objects('--at', 'yesterday', '--utc')).length, 3);
    t.equal((await objects('--at', '10s')).length, 3, 'going on around then');
  });

  await t.test('what selects calls in a list selects them for a replay', async (t) => {
    const agent = all.find(({ record }) => record.agent !== null)?.record.agent;
    for (const words of [
      ['--agent', agent],
      ['--agent', `agent ${agent}`],
      ['--user', `agent${agent}@example.com`],
      ['--status', 'busy'],
      ['--direction', 'inbound'],
      ['--queue', 'no-such-queue'],
      ['--at', '10s'],
      ['--agent', '1999'],
    ]) {
      // An internal call is not posted, whoever asks for it.
      const found = (await objects(...words))
        .filter(({ record }) => record.direction !== 'Internal')
        .map(({ record }) => record.callSessionId)
        .sort();
      const { out, error } = await it.run('replay', ...words, '--force', '--dry-run', '--json');
      const samples: { sessionId: string }[] = JSON.parse(out).samples;
      t.same(samples.map(({ sessionId }) => sessionId).sort(), found, words.join(' '));
      if (words[1]?.startsWith('agent ')) t.match(error, /^Calls of Agent \d+/m, 'whom the name was taken for is told');
    }
    t.match((await it.run('replay', '--user', 'nobody')).error, /LeadSquared has no user nobody/);
  });

  await t.test('a cursor goes on behind its call, whichever times are asked for', async (t) => {
    for (const order of [[], ['--arrival']]) {
      const whole = await objects(...order);
      const [first, ...rest] = whole;
      t.same(await objects(...order, '--cursor', first.cursor, '--since', '1d'), rest);
      t.same(await objects(...order, '--cursor', whole.at(-1).cursor), []);
    }
    const wrong = await it.run('calls', '--state', 'parked', '--cursor', all[0].cursor);
    t.match(wrong.error, /belongs to another selection: begin without it/);
  });

  const onScreen = async (columns: number, colour: boolean, ...words: readonly string[]) => {
    let out = '';
    const terminal: Terminal = {
      ...{ size: { columns, rows: 24 }, colour },
      out: (text) => {
        out += text;
      },
      error: () => {},
    };
    await runCommandLine([...words, ...config], bodies, terminal);
    return out;
  };

  await t.test('on a screen: as wide as it is, ids whole, colours for what needs attention', async (t) => {
    for (const columns of [80, 100, 200])
      for (const words of [['calls', '--numbers'], ['users'], ['calls', 'show', all[0].record.callSessionId]]) {
        const shown = lines(await onScreen(columns, false, ...words));
        if (words[0] !== 'users' && words[1] !== 'show')
          for (const line of shown) t.ok(line.length <= columns, `${columns}: ${line}`);
        if (words[1] === '--numbers') for (const { record } of all) t.match(shown.join('\n'), record.callSessionId);
      }
    const coloured = await onScreen(100, true, 'calls');
    t.ok(lines(coloured).some((line) => line.startsWith(`${ESCAPE}[90m`) && line.includes('skipped')));
    t.notOk((await onScreen(100, true, 'calls', '--no-color')).includes(ESCAPE));
    t.notOk((await onScreen(100, false, 'calls')).includes(ESCAPE));
  });

  await t.test('the zone is named, and a time of another offset has its own', async (t) => {
    t.match((await it.run('calls', '--utc')).out, /^TIME \(UTC\) +DIRECTION/);
    t.match((await it.run('users', '--utc')).out, /LAST CALL \(UTC\)/);
    for (const [zone, name] of [
      ['Asia/Kolkata', 'IST, UTC+05:30'],
      ['Europe/Berlin', 'CET, UTC+01:00'],
    ] as const) {
      const { out } = await logcalldIn({ TZ: zone }, 'calls', ...config);
      t.match(out, new RegExp(`^TIME \\(${name.replace('+', '\\+')}\\) `), zone);
    }
  });
});

t.test('what is watched comes as it is stored, and again when something becomes of it, until Ctrl-C', async (t) => {
  const it = await world(CAPTURES);
  t.teardown(() => it.end());
  await it.start();
  it.daemon().delivery.pause();
  const watched = watching('calls', '--watch', '--json', '--config', join(it.directory, 'logcalld.toml'));
  t.teardown(() => watched.end());
  await watched.lines(3);
  const states = () => watched.objects().map(({ state }) => state);
  t.same(states().sort(), ['pending', 'pending', 'skipped']);
  await it.run('resume');
  await watched.lines(5);
  t.same(states().slice(3), ['delivered', 'delivered']);
  const ids = watched.objects().map(({ record }) => record.callSessionId);
  t.equal(new Set(ids).size, 3);
  t.equal(await watched.end(), 0);
});

t.test('a call that comes to a state only later is shown when it does, where that state is watched', async (t) => {
  const it = await world(CAPTURES);
  t.teardown(() => it.end());
  await it.start();
  it.daemon().delivery.pause();
  await it.player.done;
  const place = ['--json', '--config', join(it.directory, 'logcalld.toml')];
  const watched = watching('calls', '--watch', '--state', 'skipped,delivered', ...place);
  t.teardown(() => watched.end());
  await watched.lines(1);
  await it.run('resume');
  await settled(it, 3);
  const late = new Promise((resolve) => setTimeout(resolve, 10_000));
  await Promise.race([watched.lines(3), late]);
  t.same(
    watched.objects().map(({ state }) => state),
    ['skipped', 'delivered', 'delivered'],
  );
});
