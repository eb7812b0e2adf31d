/** `explain` beside a daemon, without one, and of calls that were not logged. */
import BetterSqlite3 from 'better-sqlite3';
import t from 'tap';
import type { TailLine } from '../../adapters/control/stream.ts';
import { reach } from '../../src/commands/control.ts';
import { settled, until, world } from './world.ts';

t.setTimeout(60_000);

const LEADS = [
  { id: '00000000-0000-4000-8000-0000000000a1', phone: '+91-9845012345', firstName: 'Asha' },
  { id: '00000000-0000-4000-8000-0000000000a2', phone: '+91-9845012345', firstName: 'Ravi' },
];

t.test('calls of all kinds, explained', async (t) => {
  const it = await world(
    ['inbound_answered_caller_hangs_up', 'internal_answered', 'ringgroup_noanswer', 'no_caller_number'],
    { leads: LEADS },
    "[leadsquared.lead]\nsearch = 'all'\n",
  );
  t.teardown(() => it.end());
  await it.start();
  const client = await reach(it.config, {});
  const ending = new AbortController();
  const heard: TailLine[] = [];
  const watching = client?.follow('tail', { raw: true }, (line) => heard.push(JSON.parse(line)), ending.signal);
  await settled(it, 4);
  const rows = (await it.run('calls', '--json')).out
    .split('\n')
    .filter((line) => line !== '')
    .map(
      (line) =>
        JSON.parse(line) as { record: { callSessionId: string; direction: string; status: string; withheld: boolean } },
    );
  const idOf = (direction: string, status: string, withheld = false): string =>
    rows.find(({ record: one }) => one.direction === direction && one.status === status && one.withheld === withheld)
      ?.record.callSessionId ?? '';
  const answered = idOf('Inbound', 'Answered');

  await t.test('all of it was there to be watched as it came', async (t) => {
    const steps = (id: string) =>
      heard.flatMap((line) => ('step' in line && line.step.record.callSessionId === id ? [line.step] : []));
    await until(
      () => steps(answered),
      (all) => all.length >= 2,
    );
    ending.abort();
    await watching;
    t.match(steps(answered), [
      { from: 'look-up', to: 'pending', lead: LEADS[0]?.id },
      { from: 'post', to: 'delivered' },
    ]);
    const ended = heard.flatMap((line) => ('ended' in line ? [line] : []));
    t.equal(ended.length, 4);
    t.match(
      ended.find(({ ended: one }) => one.direction === 'Internal'),
      { unposted: /^Internal call/ },
    );
    t.ok(heard.some((line) => 'frame' in line && /Event: Hangup/.test(line.frame.raw ?? '')));
  });

  const { code, out, error } = await it.run('explain', answered);
  t.same([code, error], [0, '']);
  t.match(out, /^Inbound Answered: \*\*\*2345 -> 1001 /);
  t.match(out, /^Worked out again from the journal, by the config as it is now: the same is stored\.$/m);
  t.match(out, /^Outside number +\*\*\*2345\n {2}because .*shows it as the caller {2}\[caller-number\]\n {2}seen as /m);
  t.match(
    out,
    /^ {2}Lead +00000000-0000-4000-8000-0000000000a1\n {4}because +2 leads have the number; the first was taken/m,
  );
  t.match(out, /^ {4}not +00000000-0000-4000-8000-0000000000a2: Ravi has the number/m);
  t.match(
    out,
    /^ {2}User +00000000-0000-4000-8000-000000001001\n {4}because +Agent 1001 \(agent1001@example\.com\); users file, line 2: 1001 is agent1001@example\.com/m,
  );
  t.match(out, /^ {2}Post +delivered\n {4}because +LeadSquared accepted it {2}\[sent once\]/m);
  t.match(
    (await it.run('calls', 'show', answered)).out,
    /look-up .* 2 leads have this number; taken was .*a1, the first/,
  );

  const internal = await it.run('explain', idOf('Internal', 'Answered'));
  t.match(internal.out, /^ {2}Post +skipped\n {4}because +Internal call between two extensions/m);
  const missed = await it.run('explain', idOf('Inbound', 'Missed'));
  t.match(missed.out, /^Agent +nobody\n {2}because .*\n {2}not +1002: its phone rang: busy/m);
  const hidden = await it.run('explain', idOf('Inbound', 'Answered', true));
  t.match(hidden.out, /^ {2}Lead +none\n {4}because +not looked up: the other party shows no number/m);

  const { account } = JSON.parse((await it.run('explain', answered, '--json')).out);
  const leg = account.legs[1].channel;
  const byLeg = await it.run('explain', leg);
  t.match(byLeg.out, new RegExp(`^${leg.replace('.', '\\.')} is a leg of this call\\.$`, 'm'));
  t.match(byLeg.out, /^ {2}Post +delivered$/m, 'with what became of the call');

  t.match(await it.run('calls', 'show', leg), {
    ...{
      code: 1,
      error: new RegExp(
        `No call has the id ${leg}\\. Where it is that of a leg: logcalld explain --config \\S+ ${leg}\\. Try`,
      ),
    },
  });
  t.equal((await it.run('calls', 'show', answered.slice('asterisk-'.length))).code, 0, 'as the PBX names it');

  const unknown = await it.run('explain', '1795344999.77');
  t.equal(unknown.code, 1);
  t.match(unknown.error, /No call has the id 1795344999\.77, and nothing that the journal has names it/);

  await it.stop();
  const offline = await it.run('explain', answered);
  t.match(offline.error, /^logcalld is not running: read from /);
  t.equal(offline.out, out, 'the same without the daemon');

  await t.test('a call that was never stored, and one of which nothing but what is stored is left', async (t) => {
    const internalId = idOf('Internal', 'Answered');
    const db = new BetterSqlite3(it.config.storage.path);
    t.teardown(() => db.close());
    db.pragma('foreign_keys = OFF');
    db.prepare('DELETE FROM delivery WHERE session_id = ?').run(internalId);
    db.prepare('DELETE FROM session WHERE call_session_id = ?').run(internalId);
    const lost = await it.run('explain', internalId);
    t.equal(lost.code, 0, lost.error);
    t.match(
      lost.out,
      /^Internal Answered: .*\nWorked out from the journal: it is not stored; "logcalld sessions rederive --config \S+logcalld\.toml --since .* --apply" stores it, unless it was erased or removed\.\nBy the config as it is now it is not posted: Internal call between two extensions/,
    );
    t.notMatch(lost.out, /^LeadSquared/m, 'nothing is known there of a delivery');
    db.exec('DELETE FROM hot_segment; DELETE FROM segment');
    const kept = await it.run('explain', answered);
    t.match(kept.out, /^From what is stored alone: the journal has nothing of it any more/m);
    t.match(kept.out, /^Direction +Inbound\n {2}because +PJSIP\/trunk-in called in/m);
    t.match(kept.out, /^ {2}Post +delivered$/m);
    t.equal((await it.run('explain', internalId)).code, 1);
  });
  t.same(it.leaks(), [], 'no number whole, no secret');
});
