/** The operator's commands, beside a daemon that logs recorded calls. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import { connectControl } from '../../adapters/control/client.ts';
import { controlPath } from '../../src/commands/control.ts';
import { VERSION } from '../../src/daemon/version.ts';
import { sandboxUsers } from '../support/daemon.ts';
import { command, logcalld, settled, until, world } from './world.ts';

t.setTimeout(120_000);

const CAPTURES = ['inbound_answered_caller_hangs_up', 'outbound_busy', 'internal_answered'];
const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const objects = (text: string): Record<string, unknown>[] => lines(text).map((line) => JSON.parse(line));

t.test('a day with the commands', async (t) => {
  const it = await world(CAPTURES, {
    leads: [{ id: '00000000-0000-4000-8000-0000000000a1', phone: '+91-9845012345' }],
  });
  t.teardown(() => it.end());
  const before = await it.run('status');
  t.equal(before.code, 1, 'before the first start there is nothing');
  t.match(before.error, /Cannot read the database .* does not exist: logcalld has not run/);
  await it.start();
  await settled(it, 3);
  const posted = () => it.sandbox.ledger.calls().length;

  await t.test('status', async (t) => {
    const [screen, json] = await Promise.all([it.process('status'), it.run('status', '--json')]);
    t.equal(screen.code, 0);
    t.match(screen.out, /^Every call is being logged\./);
    t.match(screen.out, /^ok {4}asterisk {2}connected for /m);
    t.match(screen.out, /^calls +2 delivered, 1 skipped$/m);
    t.match(screen.out, /^limiter +\d+ of 25 used in 1 s/m);
    t.equal(screen.error, '');
    t.match(objects(json.out), [{ well: true, running: true, counts: { states: { delivered: 2 } } }]);
  });

  await t.test('calls list', async (t) => {
    const [all, some, one, none] = await Promise.all([
      it.run('calls'),
      it.run('calls', 'list', '--state', 'delivered', '--direction', 'outbound', '--json'),
      it.run('calls', '--limit', '1'),
      it.run('calls', '--until', '2020-01-01'),
    ]);
    t.equal(all.code, 0);
    const [header, ...rows] = lines(all.out);
    t.match(header, /^TIME \(.*UTC.*\) +DIRECTION +STATUS +NUMBER +AGENT +SEC +DELIVERY +CALL +REASON$/);
    t.equal(rows.length, 3);
    const column = (header ?? '').indexOf('CALL');
    for (const row of rows) t.equal(row.slice(column, column + 9), 'asterisk-', 'the columns line up');
    t.match(all.out, /inbound +Answered +\*\*\*2345 +1001 +\d+ +delivered/);
    t.match(all.out, /internal .* skipped .*Internal call between two extensions/);
    t.match(objects(some.out), [{ state: 'delivered', record: { direction: 'Outbound', externalE164: '***2345' } }]);
    t.equal(lines(one.out).length, 2);
    t.match(one.error, /Only the newest 1 are shown/);
    t.same([none.code, none.out, none.error], [0, '', 'No calls.\n']);
  });

  await t.test('a source that does not exist is told with those that do', async (t) => {
    for (const words of [
      ['gaps'],
      ['calls'],
      ['replay', '--dry-run'],
      ['backfill', '--since', '1h'],
      ['sessions', 'rederive', '--since', '1h'],
    ]) {
      const { code, error } = await it.run(...words, '--source', 'nope');
      t.not(code, 0, words.join(' '));
      t.match(error, /has no source "nope".*asterisk/s, words.join(' '));
    }
    t.equal((await it.run('gaps', '--source', 'asterisk')).code, 0);
  });

  const id = String(it.sandbox.ledger.calls().find(({ body }) => body.Direction === 'Inbound')?.body.CallSessionId);

  await t.test('calls show', async (t) => {
    const [whole, end, json, unknown, several] = await Promise.all([
      it.run('calls', 'show', id, '--body'),
      it.run('calls', 'show', id.slice(-6)),
      it.run('calls', 'show', id, '--json'),
      it.process('calls', 'show', 'no-such-call'),
      it.run('calls', 'show', 'asterisk-'),
    ]);
    t.equal(whole.code, 0);
    t.match(whole.out, /^Inbound Answered: \*\*\*2345 -> 1001 /);
    t.match(whole.out, /^DELIVERED .* activity [\da-f-]{36}$/m);
    t.match(whole.out, / trunk-in +calls \*\*\*0001 \(\*\*\*2345\) .*\n.* 1001 +is called by trunk-in/);
    t.match(whole.out, / 1001 +answers /);
    t.match(whole.out, /^Why \(rule: fact\)\n {2}direction +Inbound +caller-from-outside: PJSIP\/trunk-in called in /m);
    t.match(whole.out, /^ {2}external +\*\*\*2345 +caller-number: PJSIP\/trunk-in shows it as the caller$/m);
    t.match(whole.out, /^ {2}lead +00000000-0000-4000-8000-0000000000a1 .* found by the number$/m);
    t.match(whole.out, /^ {2}user +00000000-0000-4000-8000-000000001001 +Agent 1001 +user of extension 1001$/m);
    t.match(
      whole.out,
      /^ {2}#1 +look-up +[\d-]+ [\d:]+ +HTTP 200 +\d+ ms +accepted +Lead 00000000-0000-4000-8000-0000000000a1\./m,
    );
    t.match(whole.out, /^ {2}#2 +post \(live\) .* waited \d+ ms +HTTP 200 +\d+ ms +accepted/m);
    t.match(whole.out, /^Body that was sent \(times in UTC\)\n {2}SourceNumber +\*\*\*2345\n/m);
    t.equal(end.code, 0, 'an end of the id is enough');
    t.match(objects(json.out), [
      {
        record: { callSessionId: id, reasons: { agent: { rule: 'who-talked' } } },
        attempts: [
          { number: 1, step: 'look-up' },
          { number: 2, step: 'post', trigger: 'live' },
        ],
      },
    ]);
    t.same([unknown.code, unknown.out], [1, '']);
    t.match(
      unknown.error,
      /^logcalld: No call has the id no-such-call\. Try: logcalld calls --config \S+logcalld\.toml, or by a telephone number: logcalld calls --config \S+logcalld\.toml --number NUMBER\n$/,
    );
    t.equal(several.code, 1);
    t.match(several.error, /Several calls have an id with asterisk-: .* Give more of it\./);
  });

  t.strictSame(it.leaks(), [], 'no number was whole and no secret was shown');
  t.match((await it.run('calls', 'show', id, '--body', '--numbers')).out, /SourceNumber +\+91-9845012345/);

  await t.test('replay', async (t) => {
    const [nothing, nobody, delivered, dry, skipped] = await Promise.all([
      it.run('replay'),
      it.run('replay', '--state', 'parked', '--dry-run'),
      it.run('replay', id),
      it.run('replay', id, '--force', '--dry-run'),
      it.run('replay', '--state', 'skipped', '--dry-run', '--json'),
    ]);
    t.same([nothing.code, nothing.out], [2, '']);
    t.match(
      nothing.error,
      /Nothing is selected\. Try: logcalld replay --config \S+logcalld\.toml --state parked --dry-run/,
    );
    t.equal(nobody.code, 1);
    t.match(nobody.error, /No call was selected/);
    t.equal(delivered.code, 1, 'a delivered call is left alone');
    t.match(delivered.out, /1 call left alone: delivered already \(a second post needs --force\)/);
    t.equal(dry.code, 0);
    t.match(dry.out, /^1 call would be posted: at 25 requests in 1 s about 1 s/);
    t.match(dry.out, /1 delivered call would be posted a second time\./);
    t.match(dry.out, /SourceNumber +\*\*\*2345/);
    t.match(dry.out, /Nothing was posted/);
    t.match(objects(skipped.out), [{ dryRun: true, count: 0, skipped: 0, heldBack: { 'skip-internal': 1 } }]);
    t.match(await it.run('replay', '--state', 'skipped'), {
      code: 1,
      out: /^1 call is left alone, to be skipped again: internal \(skip-internal\)\. To have such calls posted: set internal of \[filters\]/,
    });
    t.equal(posted(), 2, 'nothing of this reached LeadSquared');
    const again = await it.run('replay', id.slice(-6), '--force');
    t.equal(again.code, 0);
    t.match(again.out, /1 delivered call will be posted a second time\./);
    await until(posted, (calls) => calls === 3);
    t.strictSame(it.sandbox.ledger.doubled(), [id]);
    const missing = await it.run('replay', 'no-such-call');
    t.equal(missing.code, 1);
    t.match(missing.error, /No call has the id no-such-call/);
  });

  await t.test('users', async (t) => {
    const { code, out } = await it.run('users');
    t.equal(code, 0);
    t.match(out, /^1001 +any +agent1001@example\.com +Agent 1001 +0 +[1-9]/m);
    t.match(out, /8 extensions, 0 without a user\. LeadSquared has 8 users/);
    t.match(
      out,
      /^EXTENSION .*NOT POSTED +LOOKED UP[\s\S]*^LOOKED UP: .*Skipped and internal calls are not among them/m,
    );
  });

  await t.test('pause and resume', async (t) => {
    t.match(await it.run('pause'), { code: 0, out: /paused until/ });
    const paused = await it.process('status');
    t.equal(paused.code, 1);
    t.match(paused.out, /^Something needs attention\.[^\n]*\nwarn {2}Posting to LeadSquared is paused/);
    t.match(await it.run('resume'), { code: 0 });
    const broken = { match: { path: 'Users' }, times: 1, fault: { kind: 'status', status: 500 } };
    await fetch(`${it.sandbox.url}/sandbox/faults`, { method: 'POST', body: JSON.stringify(broken) });
    t.match(await it.run('reload'), { code: 1, out: /takes calls, but its users could not be fetched anew/ });
    t.match(await it.run('reload'), { code: 0, out: /takes calls; its users were fetched anew/ });
    t.equal((await it.run('status')).code, 0);
  });

  await t.test('check-config beside the daemon', async (t) => {
    const used = async () => (await it.daemon().delivery.snapshot()).permits.usedToday;
    const before = { used: await used(), sent: it.sandbox.arrivals().length };
    const { code, out } = await it.run('check-config');
    t.equal(code, 0);
    t.equal(it.sandbox.arrivals().length - before.sent, 1, 'one request');
    t.equal((await used()) - before.used, 2, 'for which the daemon gave up a place before and one after');
    t.ok(it.sandbox.worstWindow() <= 25);
    t.equal(
      lines(out).every((line) => /^(?:ok|info|warn| {2}) /.test(line)),
      true,
    );
    t.match(out, /^ok +PBX asterisk +127\.0\.0\.1:\d+: logged in, 0 live channels$/m);
    t.match(out, /^ok +LeadSquared +The keys are good: /m);
  });

  await t.test('a second daemon on the same database is refused', async (t) => {
    t.match(await it.process('run'), {
      code: 78,
      error: /in use by logcalld .*, pid \d+ on .*control\.sock\): end it/,
    });
    t.match(await it.run('check-config', '--offline'), { code: 0, out: /^info +database +in use by logcalld /m });
  });

  await t.test('without the daemon the file is read, and that is said', async (t) => {
    await it.stop();
    const [list, show, users, status, replay, pause] = await Promise.all([
      it.run('calls'),
      it.run('calls', 'show', id),
      it.run('users'),
      it.run('status'),
      it.run('replay', '--state', 'parked'),
      it.run('pause'),
    ]);
    t.equal(lines(list.out).length, 4);
    for (const ran of [list, show, users]) {
      t.equal(ran.code, 0);
      t.match(ran.error, /^logcalld is not running: read from .*logcalld\.db\.\n$/);
    }
    t.match(show.out, /#3 +post \(replay\) /);
    t.equal(status.code, 1);
    t.match(status.out, /FAIL {2}logcalld is not running: no call is logged/);
    for (const ran of [replay, pause]) {
      t.equal(ran.code, 1);
      t.match(ran.error, /logcalld is not running .* Start it: logcalld run --config \S+logcalld\.toml$/m);
    }
    t.strictSame(it.leaks([]), [], 'no secret was shown in all of this');
  });
});

t.test('what cannot be posted is parked, seen, and sent again', async (t) => {
  const it = await world(['outbound_busy']);
  t.teardown(() => it.end());
  const rejection = { kind: 'mx', status: 400, message: 'The number +919845012345 is wrong' } as const;
  it.sandbox.addFaults({ match: { path: 'LogCall' }, fault: rejection });
  await it.start();
  await settled(it, 1);
  const [status, list] = await Promise.all([it.run('status'), it.run('calls', '--state', 'parked')]);
  t.equal(status.code, 1, 'a call that waits for somebody is no health');
  t.match(status.out, /^Something needs attention\..*\nwarn {2}1 call is parked and not in LeadSquared: 1 rejected\./);
  t.match(
    status.out,
    /^ +rejected \(1\): .*\n +what helps: .*\n +shows them: .*\n +sends them: logcalld replay --config \S+logcalld\.toml --reason rejected$/m,
  );
  t.match(
    status.out,
    /^Parked, .* \(logcalld calls --config \S+logcalld\.toml --state parked\):\n +1 +rejected .*\*\*\*2345/m,
  );
  const [, id = ''] = / parked +(asterisk-\S+) +rejected: .*\*\*\*2345/.exec(list.out) ?? [];
  t.match(await it.run('calls', 'show', id), { out: new RegExp(`^ +then +logcalld replay --config \\S+ ${id}$`, 'm') });
  t.match(await it.run('calls', '--reason', 'no-user'), { out: '', error: /No calls/ });
  t.match(await it.run('calls', '--reason', 'MXInvalid'), { out: new RegExp(id) }, 'a piece of the sentence');
  t.match(await it.run('replay', '--reason', 'rejectd-'), { code: 2, error: /Try: --reason rejected/ });

  const json = objects((await it.run('status', '--json')).out)[0];
  t.match(json, { well: false, conditions: [{ code: 'calls-parked', severity: 'warning' }] });
  await it.stop();
  const file = await it.run('status');
  t.match(
    file,
    { code: 1, out: /^FAIL {2}logcalld is not running.*\nwarn {2}1 call is parked/m },
    'read from the file',
  );
  await it.start();
  t.match(it.daemon().conditions.raised(), [{ code: 'calls-parked' }], 'from the start on');

  t.match(await it.run('acknowledge'), { code: 0, out: /^Noted: 1 parked call \(1 rejected\)\..*\nThey stay parked/ });
  t.match(await it.run('acknowledge'), { code: 0, out: /^There was nothing/ });
  t.match(await it.run('status'), {
    code: 0,
    out: /^Every call is being logged( since [\d: -]+)?, but for 1 parked one/,
  });
  it.sandbox.addFaults({ match: { path: 'LogCall', nth: 1 }, fault: rejection });
  const sent = ['replay', '--reason', 'rejected'];
  t.match(await it.run(...sent), { code: 0, out: /^1 call will be posted/ });
  await until(
    () => it.run('status', '--json'),
    ({ out }) => objects(out).some(({ counts }) => (counts as { states: { parked: number } }).states.parked === 1),
  );
  t.match(await it.run('status'), { code: 1, out: /1 call is parked/ }, 'parked later than the note');
  t.match(await it.run(...sent, '--state', 'skipped'), { code: 1, error: /No call was selected/ });
  t.match(await it.run(...sent, '--state', 'parked'), { code: 0 });
  await until(
    () => it.sandbox.ledger.calls().length,
    (calls) => calls === 1,
  );
  await settled(it, 1);
  t.match(await it.run('status'), { code: 0, out: /^Every call is being logged( since [\d: -]+)?\. / });
  t.strictSame(it.leaks(), []);
});

t.test('sessions rederive shows what differs and stores it when told', async (t) => {
  const it = await world(['inbound_answered_caller_hangs_up', 'outbound_busy']);
  t.teardown(() => it.end());
  await it.start();
  await settled(it, 2);
  t.match(await it.run('sessions', 'rederive', '--since', '1h'), { code: 0, out: /^2 calls the same, 0 different/ });
  // An earlier version of the program got the agent and the seconds of one call wrong, and posted that.
  const db = new BetterSqlite3(it.config.storage.path);
  const { id } = db.prepare("SELECT call_session_id AS id FROM session WHERE direction = 'Inbound'").get() as {
    id: string;
  };
  db.prepare(
    "UPDATE session SET agent = '9999', json = json_set(json, '$.agent', '9999', '$.durationSeconds', 77) WHERE call_session_id = ?",
  ).run(id);
  db.prepare(
    "UPDATE delivery SET posted_facts = json_set(posted_facts, '$.durationSeconds', 77) WHERE session_id = ?",
  ).run(id);
  const duration = Number(it.sandbox.ledger.bySession(id)[0]?.body.CallDuration);

  const shown = await it.run('sessions', 'rederive', '--since', '1h');
  t.equal(shown.code, 0);
  t.match(
    shown.out,
    new RegExp(
      `^${id.replaceAll('.', '\\.')} .*\\(delivered\\)\n {2}agent: "9999" -> "1001"\n {2}durationSeconds: 77 -> ${duration}$`,
      'm',
    ),
  );
  t.match(shown.out, /^1 call the same, 1 different, 0 not made any more, 0 left alone\.$/m);
  t.match(shown.error, /Nothing was changed\. Store the newer facts with --apply\.$/m);
  const become = db.prepare('UPDATE delivery SET state = ? WHERE session_id = ?');
  become.run('skipped', id);
  t.match(
    (await it.run('sessions', 'rederive', '--since', '1h')).error,
    /with --apply\. 1 of the calls was skipped: .* what they skip no more is posted, however old it is\.$/m,
  );
  become.run('delivered', id);
  t.match((await it.run('calls', 'show', id)).out, /^Inbound Answered: \*\*\*2345 -> 9999/);

  const client = await connectControl(controlPath(it.config, {}), VERSION);
  const record = (await client?.call('calls', { limit: 9, direction: 'Inbound' }))?.rows[0]?.record;
  if (client == null || record === undefined) throw new Error('The daemon did not answer.');
  const stale = await client.call('correct', { items: [{ record: { ...record, agent: 'late' }, revision: 7 }] });
  t.strictSame(
    stale,
    { inserted: [], changed: [], moved: [id], gone: [] },
    'facts that changed meanwhile are not overwritten',
  );
  const applied = await it.run('sessions', 'rederive', '--since', '1h', '--apply');
  t.equal(applied.code, 0);
  t.match(applied.error, /1 call stored\. 1 delivered: LeadSquared gets the new recording and duration/);
  t.match((await it.run('calls', 'show', id)).out, /^Inbound Answered: \*\*\*2345 -> 1001/);
  const updates = () => it.sandbox.ledger.entries().filter(({ kind }) => kind === 'update');
  await until(
    () => updates().length,
    (count) => count === 1,
  );
  t.match(updates()[0]?.body, { CallDuration: String(duration) });
  t.strictSame(it.sandbox.ledger.doubled(), [], 'an update, not a second call log');
  t.match(await it.run('sessions', 'rederive', '--since', '1h'), { out: /^2 calls the same, 0 different/ });

  // In the frames zeros stand for the number: who reads them finds a call that never was.
  const { length: posted } = it.sandbox.ledger.entries();
  t.match(await it.run('erase', '--number', '+919845012345'), { code: 0, out: /^Erased: 2 calls / });
  const again = await it.run('sessions', 'rederive', '--since', '1h', '--apply');
  t.match(again.out, /^0 calls the same, 0 different, 0 not made any more, 2 left alone\.$/m);
  t.match(again.error, /^0 calls stored\.$/m);
  t.equal(it.sandbox.ledger.entries().length, posted);

  db.close();
  const empty = await it.run('sessions', 'rederive', '--since', '2020-01-01', '--until', '2020-01-02');
  t.equal(empty.code, 1);
  t.match(empty.error, /The journal has nothing from 2020-01-01 00:00:00 to 2020-01-02 00:00:00/);
  t.match(await it.run('sessions', 'rederive'), { code: 2, error: /needs --since/ });
});

t.test('extensions without a user come first, and what to do about them', async (t) => {
  const it = await world(['queue_answered'], { users: sandboxUsers.filter(({ id }) => !id.endsWith('1003')) });
  t.teardown(() => it.end());
  await it.start();
  await settled(it, 1);
  const { code, out } = await it.run('users');
  t.equal(code, 0);
  t.match(lines(out)[1], /^1003 +any +- +- +0 +1 +20\d\d-.* LeadSquared has no user agent1003@example\.com$/);
  t.match(out, /8 extensions, 1 without a user\. LeadSquared has 7 users/);
  const seen = await it.run('status');
  t.match(
    seen.out,
    /^ +1 agent without a LeadSquared user \(\d+\): \d+ calls?, the last .* ago; see logcalld users --config \S+logcalld\.toml$/m,
  );
  t.match(out, /^Next: add them to .*users\.csv/m);
  const [call] = it.sandbox.ledger.calls();
  t.match((await it.run('calls', 'show', String(call?.body.CallSessionId))).out, /^ {2}user .* the default user$/m);
});

t.test('check-config names what is wrong, and how bad it is', async (t) => {
  const it = await world([]);
  t.teardown(() => it.end());
  const config = join(it.directory, 'logcalld.toml');
  const good = await it.run('check-config', '--offline');
  t.equal(good.code, 0);
  t.notMatch(good.out, /PBX asterisk|The keys/);
  it.sandbox.addFaults({ times: 0, fault: { kind: 'status', status: 401 } });
  const denied = await it.process('check-config');
  t.equal(denied.code, 1);
  t.match(denied.out, /^ok +PBX asterisk/m);
  t.match(denied.out, /^FAIL +LeadSquared /m);
  await it.player.close();
  const gone = await it.run('check-config');
  t.equal(gone.code, 1);
  t.match(gone.out, /^FAIL +PBX asterisk +.*refused the connection; is Asterisk running/m);
  writeFileSync(join(it.directory, 'secret'), '\n');
  const empty = await it.run('check-config');
  t.equal(empty.code, 78);
  t.match(empty.out, /^FAIL +secret +The LeadSquared secret key is empty/m);
  writeFileSync(config, "[leadsquared]\nhost = 'x y'\nnonsense = 1\n");
  const broken = await it.process('check-config');
  t.equal(broken.code, 78);
  t.equal(lines(broken.error).length, 3, 'every problem at once');
  t.match(broken.error, /source: found nothing, expected at least one \[\[source\]\] table/);
  for (const words of [['status'], ['calls'], ['users'], ['replay', 'x']])
    t.equal((await it.run(...words)).code, 78, words.join(' '));
  t.strictSame(it.leaks(), []);
});

t.test('a wrong command line costs one line and status 2', async (t) => {
  for (const [words, message] of [
    [['calls', '--frm', '1'], /has no option --frm/],
    [['calls', '--since', 'tomorrow'], /--since tomorrow is no time\. Try: --since 2h, --since yesterday/],
    [['calls', '--since', 'today', '--until', 'yesterday'], /--since today is not before --until yesterday\. Try/],
    [['calls', '--at', '2199-01-01 10:02'], /--at 2199-01-01 10:02 is still to come/],
    [['calls', '--at', '10:02', '--since', '1d'], /--at is a time of its own/],
    [['calls', '--status', 'mised'], /There is no call status mised\. Try: --status Missed/],
    [['calls', '--status', 'parked'], /There is no call status parked\. Try: --state parked/],
    [['calls', '--state', 'no-answer'], /There is no delivery state no-answer\. Try: --status NoAnswer/],
    [['calls', '--watch', '--until', '1h'], /--watch shows what comes from now on/],
    [['calls', '--state', 'prked'], /There is no delivery state prked\. Try: --state parked/],
    [['calls', '--direction', 'up'], /There is no direction up/],
    [['calls', '--limit', '0'], /--limit 0 is no whole number/],
    [['calls', '--number', 'abc'], /has no digits/],
    [['statsu'], /There is no command statsu\. Try: logcalld status/],
  ] as const) {
    const { code, out, error } = await command(...words, '--config', '/nowhere');
    t.same([code, out, lines(error).length], [2, '', 1], words.join(' '));
    t.match(error, message);
  }
});

t.test('a wrong command line, as a process', async (t) => {
  t.match(await logcalld('calls', '--frm'), { code: 2, out: '', error: /^logcalld: .* has no option --frm\./ });
});
