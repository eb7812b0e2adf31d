/** Calls that FreeSWITCH was asked to make: ESL events -> finished calls. */
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

t.test('an agent who is rung through a loopback takes the call on his mobile', async (t) => {
  const story = new Story().loopback(0, 'LA', 'LB', '1005', null, shown).rings(20, 'P', '1005', 'LB');
  story.outside(20, 'M', MOBILE, 'LB').answers(3000, 'M').ends(3010, 'P', 'LOSE_RACE', 'send_cancel');
  story.answers(3020, 'LB', 'LA').bridges(3030, 'LB', 'M').outside(3100, 'C', CUSTOMER, 'LA');
  story.answers(8000, 'C').bridges(8010, 'LA', 'C').ends(68_010, 'C').ends(68_020, 'LA');
  t.match(calls(story.ends(68_020, 'LB').ends(68_030, 'M')), [
    { direction: 'Outbound', status: 'Answered', externalE164: CUSTOMER, agent: '1005', durationSeconds: 60 },
  ]);
});
