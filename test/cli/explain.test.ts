/** `explain` beside a daemon, without one, and of calls that were not logged. */
import t from 'tap';
import { settled, world } from './world.ts';

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
    /^ {2}User +00000000-0000-4000-8000-000000001001\n {4}because +users file, line 2: 1001 is agent1001@example\.com/m,
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

  const unknown = await it.run('explain', '1795344999.77');
  t.equal(unknown.code, 1);
  t.match(unknown.error, /No call has the id 1795344999\.77, and nothing that the journal has names it/);

  await it.stop();
  const offline = await it.run('explain', answered);
  t.match(offline.error, /^logcalld is not running: read from /);
  t.equal(offline.out, out, 'the same without the daemon');
  t.same(it.leaks(), [], 'no number whole, no secret');
});
