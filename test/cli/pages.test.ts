/** Commands that select many calls: page by page, with progress, to be broken off and repeated. */
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { connectControl } from '../../adapters/control/client.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import { runCommandLine } from '../../src/cli/cli.ts';
import { controlPath } from '../../src/commands/control.ts';
import { bodies } from '../../src/commands/index.ts';
import { VERSION } from '../../src/daemon/version.ts';
import { commit } from '../adapters/sqlite/support.ts';
import { call } from '../delivery/fakes.ts';
import { logcalld, world } from './world.ts';

t.setTimeout(120_000);

const CALLS = 750;

/** A daemon that holds its posts back, on a database with so many calls, all of them parked. */
async function parkedCalls() {
  const it = await world([]);
  const { path } = it.config.storage;
  const database = await openDatabase(path);
  const now = Date.now();
  const ended = Array.from({ length: CALLS }, (_, n) => {
    const startedAt = now - (CALLS - n) * 60_000;
    return call(n, { source: 'asterisk', startedAt, answeredAt: startedAt, endedAt: startedAt + 20_000 });
  });
  await commit(database.remote.journal, { ended }, now);
  await database.close();
  const db = new BetterSqlite3(path);
  db.exec("UPDATE delivery SET state = 'parked', step = NULL, reason = 'No user.'");
  await it.start();
  it.daemon().delivery.pause();
  const client = await connectControl(controlPath(it.config, {}), VERSION);
  if (client === null) throw new Error('the daemon does not answer');
  const inState = (state: string) =>
    db.prepare<[string], number>('SELECT count(*) FROM delivery WHERE state = ?').pluck().get(state);
  return {
    ...it,
    ids: ended.map(({ callSessionId }) => callSessionId),
    db,
    client,
    inState,
    async end() {
      db.close();
      await it.end();
    },
  };
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

t.test('a replay of many calls', async (t) => {
  const it = await parkedCalls();
  t.teardown(() => it.end());
  const states = ['parked' as const];

  await t.test('a dry run tells of all pages together, in one object', async (t) => {
    const ran = await it.run('replay', '--state', 'parked', '--dry-run', '--json');
    t.same([ran.code, ran.error, lines(ran.out).length], [0, '', 1]);
    const found = JSON.parse(ran.out);
    t.match(found, { count: CALLS, delivered: 0, skipped: 0, leftAlone: {}, seconds: CALLS / 25 });
    t.same(
      found.samples.map(({ sessionId }: { sessionId: string }) => sessionId),
      it.ids.slice(0, 20),
    );
    t.equal(it.inState('parked'), CALLS);
  });

  await t.test('progress goes to a screen and leaves the result alone', async (t) => {
    const text = { out: '', error: '' };
    const screen = {
      screen: true,
      out: (more: string) => {
        text.out += more;
      },
      error: (more: string) => {
        text.error += more;
      },
    };
    const config = `${it.directory}/logcalld.toml`;
    const words = ['replay', '--state', 'parked', '--dry-run', '--json', '--config', config];
    t.equal(await runCommandLine(words, bodies, screen), 0);
    t.match(JSON.parse(text.out), { count: CALLS });
    t.equal(
      text.error,
      '\r\x1b[K300 calls looked at, 300 would be posted ...\r\x1b[K600 calls looked at, 600 would be posted ...\r\x1b[K',
    );
  });

  await t.test('a page is bounded, and the next one begins behind it whatever changed', async (t) => {
    const request = { states, force: false, dryRun: true, samples: 2 };
    const first = await it.client.call('replay', request);
    t.match(first, { count: 300, samples: { length: 2 } });
    if (first.cursor === null) throw new Error('there is no second page');
    it.db.exec("UPDATE delivery SET state = 'skipped' WHERE id IN (1, 2, 301, 302, 700)");
    const second = await it.client.call('replay', { ...request, cursor: first.cursor });
    const third = await it.client.call('replay', { ...request, cursor: second.cursor ?? '' });
    t.same([second.count, third.count, third.cursor], [300, CALLS - 603, null]);
    it.db.exec("UPDATE delivery SET state = 'parked', step = NULL");
    for (const other of [{ states: ['skipped' as const] }, { source: 'asterisk' }, { force: true }, { dryRun: false }])
      await t.rejects(
        it.client.call('replay', { ...request, ...other, cursor: first.cursor }),
        { name: 'ControlError', message: /belongs to another selection: begin without it/ },
        JSON.stringify(other),
      );
    for (const cursor of ['', 'x', `${first.cursor.split('.')[0]}.bm9uZQ`, `${first.cursor.split('.')[0]}.`])
      await t.rejects(it.client.call('replay', { ...request, cursor }), { name: 'ControlError' }, cursor);
    t.equal(
      (await it.client.call('replay', { ...request, since: 5, cursor: first.cursor })).count,
      300,
      'times may move',
    );
    await t.rejects(it.client.call('replay', { force: false, dryRun: true, samples: 0 }), { name: 'ControlError' });
    t.equal(it.inState('parked'), CALLS, 'nothing of this changed anything');
  });

  await t.test('one id that is wrong leaves all others alone', async (t) => {
    const ran = await it.run('replay', ...it.ids.slice(0, 600), 'no-such-call');
    t.match(ran, { code: 1, error: /No call has the id no-such-call/ });
    t.equal(it.inState('parked'), CALLS);
    const some = await it.run('replay', ...it.ids.slice(0, 620), '--dry-run', '--json');
    t.match(JSON.parse(some.out), { count: 620, samples: { length: 20 } });
  });

  await t.test('broken off after a page, and repeated', async (t) => {
    const done = await it.client.call('replay', { states, force: false, dryRun: false, samples: 0 });
    t.same([done.count, it.inState('pending'), it.inState('parked')], [300, 300, CALLS - 300]);
    const since = await it.run('replay', '--since', '7d', '--json');
    t.match(JSON.parse(since.out), { count: CALLS - 300, leftAlone: { 'on its way already': 300 } });
    t.equal(it.inState('pending'), CALLS);
    const again = await it.run('replay', '--since', '7d');
    t.match(again, { code: 1, out: /^750 calls left alone: on its way already\.$/m });
  });

  await t.test('with force, the place tells where to go on', async (t) => {
    it.db.exec("UPDATE delivery SET state = 'delivered', step = NULL, delivered_at = 1");
    const half = await it.client.call('replay', { source: 'asterisk', force: true, dryRun: false, samples: 0 });
    // Meanwhile they are delivered once more.
    it.db.exec("UPDATE delivery SET state = 'delivered', step = NULL WHERE state = 'pending'");
    const words = ['replay', '--source', 'asterisk', '--force', '--after', half.cursor ?? '', '--json'];
    t.match(JSON.parse((await it.run(...words)).out), { count: CALLS - 300, delivered: CALLS - 300 });
    t.match(await it.run('replay', 'x', '--after', half.cursor ?? ''), {
      code: 2,
      error: /--after is for a selection/,
    });
  });
  t.strictSame(it.leaks(), []);
});

t.test('Ctrl-C breaks a replay off between two pages and says how to go on', async (t) => {
  const it = await parkedCalls();
  t.teardown(() => it.end());
  const words = ['replay', '--state', 'parked', '--config', `${it.directory}/logcalld.toml`];
  const listeners = process.listenerCount('SIGINT');
  const text = { out: '', error: '' };
  const screen = {
    screen: true,
    out: (more: string) => {
      text.out += more;
    },
    error(more: string) {
      // The first sign of progress is met by a Ctrl-C.
      if (text.error === '') process.emit('SIGINT', 'SIGINT');
      text.error += more;
    },
  };
  t.equal(await runCommandLine(words, bodies, screen), 1);
  t.match(text.error, /Broken off after 600 calls\. The same command goes on with the rest: /);
  t.match(text.out, /^600 calls will be posted: /);
  t.equal(it.inState('parked'), CALLS - 600);
  t.equal(process.listenerCount('SIGINT'), listeners, 'and listens no more');
  t.match(await it.run('replay', '--state', 'parked'), { code: 0, out: /^150 calls will be posted/ });
});

t.test('a list of many calls', async (t) => {
  const it = await parkedCalls();
  t.teardown(() => it.end());
  const newest = it.ids.toReversed();
  const idsOf = (out: string) => lines(out).map((line) => JSON.parse(line).record.callSessionId);
  const [all, some, table, few] = await Promise.all([
    it.run('calls', '--limit', '5000', '--json'),
    it.run('calls', '--limit', '620', '--json'),
    it.run('calls', '--limit', '620', '--state', 'parked'),
    it.process('calls', '--limit', '300', '--json'),
  ]);
  t.same(idsOf(all.out), newest);
  t.equal(all.error, '');
  t.same(idsOf(some.out), newest.slice(0, 620));
  t.equal(some.error, 'Only the newest 620 are shown; --limit shows more.\n');
  t.same(idsOf(few.out), newest.slice(0, 300));
  const [header = '', ...rows] = lines(table.out);
  t.equal(rows.length, 620);
  const at = header.indexOf('CALL');
  t.same(
    rows.map((row) => row.slice(at).split(' ')[0]),
    newest.slice(0, 620),
    'one table: the columns of all pages stand below each other',
  );
  let printed = 0;
  const reader = {
    out: () => {
      printed += 1;
    },
    error: () => {},
    // As behind "| head".
    get gone() {
      return printed > 0;
    },
  };
  const config = `${it.directory}/logcalld.toml`;
  t.equal(await runCommandLine(['calls', '--limit', '5000', '--json', '--config', config], bodies, reader), 0);
  t.ok(printed > 0 && printed < CALLS / 2, 'for a reader that has gone no further page is asked for');
  const first = await it.client.call('calls', { limit: 100, source: 'asterisk' });
  await t.rejects(it.client.call('calls', { limit: 100, cursor: first.cursor ?? '' }), { name: 'ControlError' });
  t.equal((await it.client.call('calls', { limit: 7, source: 'asterisk', cursor: first.cursor ?? '' })).rows.length, 7);
  await it.stop();
  t.same(idsOf((await it.run('calls', '--limit', '5000', '--json')).out), newest, 'from the file as well');
  t.equal(lines((await it.run('calls', '--limit', '5000', '--json')).error).length, 1, 'which is said once');
  t.match(await logcalld('calls', '--limit', '1000001'), { code: 2, error: /from 1 to 1000000/ });
});
