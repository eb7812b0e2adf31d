/** Calls that FreeSWITCH was asked to make, and agents whom its queues ring on telephones outside: ESL events -> finished calls. */
import t from 'tap';
import { type Headers, Story } from './normalise-support.ts';

const CUSTOMER = '+971501234567';
const MOBILE = '09845077001';
/** What an originate shows to the agent. */
const shown: Headers = { 'Caller-Caller-ID-Number': CUSTOMER };
const calls = (story: Story) => story.records().filter(({ direction }) => direction !== 'Internal');
const statuses = (story: Story) => calls(story).map(({ status, agent }) => `${status} ${agent}`);

t.test('click-to-call to a user with two devices is one call', async (t) => {
  const rung = () => new Story().rings(0, 'A', '1001', null, shown).rings(20, 'B', '1001', null, shown);
  const lost = () => rung().answers(1000, 'B').ends(1010, 'A', 'LOSE_RACE', 'send_cancel');
  const talking = lost().outside(1100, 'C', CUSTOMER, 'B').answers(2700, 'C').bridges(2720, 'B', 'C');
  const answered = calls(talking.ends(5700, 'B').ends(5700, 'C'));
  t.match(answered, [{ direction: 'Outbound', status: 'Answered', externalE164: CUSTOMER, agent: '1001' }]);
  t.equal(answered.length, 1);
  t.same(statuses(rung().ends(20_000, 'A', 'NO_ANSWER').ends(20_000, 'B', 'NO_ANSWER')), ['NoAnswer 1001']);
  const refusal = { variable_hangup_cause_q850: '21' };
  const declined = (story: Story, id: string) => story.ends(3000, id, 'CALL_REJECTED', 'recv_refuse', refusal);
  t.same(statuses(declined(rung(), 'A').ends(20_000, 'B', 'NO_ANSWER')), ['NoAnswer 1001'], 'one refuses');
  t.same(statuses(declined(declined(rung(), 'A'), 'B')), ['Cancelled 1001'], 'both refuse');
  t.same(statuses(lost().ends(1500, 'B', 'NORMAL_CLEARING', 'recv_bye')), ['Cancelled 1001'], 'hung up too early');
});

t.test('the same of devices that are not known to be of one call', async (t) => {
  const other = { 'Caller-Caller-ID-Number': '+971501234568' };
  const two = (ms: number, more: Headers, ext = '1001') =>
    new Story().rings(0, 'A', '1001', null, shown).rings(ms, 'B', ext, null, more);
  const vain = (story: Story) => statuses(story.ends(20_000, 'A', 'NO_ANSWER').ends(20_000, 'B', 'NO_ANSWER'));
  t.same(vain(two(20, other)), ['NoAnswer 1001', 'NoAnswer 1001'], 'two customers');
  t.same(vain(two(400, shown)), ['NoAnswer 1001', 'NoAnswer 1001'], 'one click after the other');
  t.same(vain(two(20, shown, '1002')), ['NoAnswer 1001', 'NoAnswer 1002'], 'two agents');
  const raced = two(20, shown, '1002').answers(1000, 'B').ends(1010, 'A', 'LOSE_RACE', 'send_cancel');
  raced.outside(1100, 'C', CUSTOMER, 'B').answers(2700, 'C').bridges(2720, 'B', 'C').ends(5700, 'B').ends(5700, 'C');
  t.same(statuses(raced), ['Answered 1002'], 'of two agents one loses the race: there was no call of his');
});

t.test('a queue rings an agent on a telephone outside', async (t) => {
  const queued = () =>
    new Story().caller(0, 'A').answers(10, 'A').custom(20, 'callcenter::info', {
      'CC-Action': 'member-queue-start',
      'CC-Queue': 'support@pbx.lab',
      'CC-Member-Session-UUID': 'A',
    });
  const member = (agent: string): Headers => ({
    variable_cc_side: 'agent',
    variable_cc_agent: agent,
    variable_cc_member_session_uuid: 'A',
  });
  const taken = (agent: string) => {
    const story = queued().rings(100, 'B', '1006', null, member('1006@pbx.lab')).ends(5100, 'B', 'NO_ANSWER');
    story.outside(8000, 'M', MOBILE, null, member(agent)).answers(9000, 'M').bridges(9050, 'A', 'M');
    return calls(story.ends(69_050, 'A', 'NORMAL_CLEARING', 'recv_bye').ends(69_060, 'M'));
  };
  const found = { direction: 'Inbound', status: 'Answered', external: '+919845012345', durationSeconds: 60 };
  t.match(taken('1007@pbx.lab'), [{ ...found, agent: '1007', agentsRung: ['1006', '1007'] }], 'the queue names him');
  t.match(
    taken('0b5a2a0e-7a86-4d0c-9f6b-1d1f9b0f2a11'),
    [{ ...found, agent: null, agentsRung: ['1006'] }],
    'FusionPBX names agents by a uuid: then it is nobody known, and not who did not answer',
  );
});

t.test('a customer who is called first waits in a queue for an agent outside', async (t) => {
  const story = new Story().outside(0, 'T', CUSTOMER, null).answers(4000, 'T').custom(4100, 'callcenter::info', {
    'CC-Action': 'member-queue-start',
    'CC-Queue': 'support@pbx.lab',
    'CC-Member-Session-UUID': 'T',
  });
  story.outside(4200, 'M', MOBILE, null, {
    variable_cc_side: 'agent',
    variable_cc_agent: '1007@pbx.lab',
    variable_cc_member_session_uuid: 'T',
  });
  story.answers(9000, 'M').bridges(9050, 'T', 'M').ends(69_050, 'T', 'NORMAL_CLEARING', 'recv_bye').ends(69_060, 'M');
  t.match(calls(story), [
    { direction: 'Outbound', status: 'Answered', externalE164: CUSTOMER, agent: '1007', durationSeconds: 60 },
  ]);
});

t.test('an agent who is rung through a loopback takes the call on his mobile', async (t) => {
  const story = new Story().loopback(0, 'LA', 'LB', '1005', null, shown).rings(20, 'P', '1005', 'LB');
  story.outside(20, 'M', MOBILE, 'LB').answers(3000, 'M').ends(3010, 'P', 'LOSE_RACE', 'send_cancel');
  story.answers(3020, 'LB', 'LA').bridges(3030, 'LB', 'M').outside(3100, 'C', CUSTOMER, 'LA');
  story.answers(8000, 'C').bridges(8010, 'LA', 'C').ends(68_010, 'C').ends(68_020, 'LA');
  t.match(calls(story.ends(68_020, 'LB').ends(68_030, 'M')), [
    { direction: 'Outbound', status: 'Answered', externalE164: CUSTOMER, agent: '1005', durationSeconds: 60 },
  ]);
});
