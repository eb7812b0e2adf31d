/** What an operator is told of the way to the CRM. */
import t from 'tap';
import type { Condition } from '../../src/condition.ts';
import { createHealth } from '../../src/delivery/health/health.ts';
import { isUp } from '../../src/delivery/health/standing.ts';

const failure = { fresh: true, reached: true, denied: false };

t.test('lookups that stopped working are told as an outage, refused ones as a refusal', async (t) => {
  for (const [denied, name] of [
    [false, 'crm-unavailable'],
    [true, 'crm-denied'],
  ] as const) {
    const told: Condition[] = [];
    const health = createHealth({ crm: 'LeadSquared', onCondition: (one) => told.push(one), onChange: () => {} });
    health.lookUpsFail({ denied, message: 'no' }, 0);
    health.review(60_000);
    t.match(told.at(-1), { code: name, raised: true }, name);
  }
});

t.test('a refusal is told with its reason, also when no call waits any more', async (t) => {
  const told: Condition[] = [];
  const health = createHealth({ crm: 'LeadSquared', onCondition: (one) => told.push(one), onChange: () => {} });
  health.denied('401: the keys are wrong');
  t.match(told.at(-1), { code: 'crm-denied', text: /\(401: the keys are wrong\)/ });
  health.answered(1000, true);
  for (const lane of ['look-up', 'post'] as const) health.nothingToTry(lane, 2000);
  t.equal(health.state, 'closed');
  health.review(60_000);
  t.match(told.at(-1), { code: 'crm-denied', raised: true, text: /\(401: the keys are wrong\)/ });
  health.worked('post');
  t.match(told.at(-1), { code: 'crm-denied', raised: false });
});

t.test(
  'the word for displays and the alarm are one truth at every step, and nothing is said that nobody tried',
  async (t) => {
    const raised = new Map<string, Condition>();
    const health = createHealth({
      crm: 'LeadSquared',
      onCondition: (one) => (one.raised ? raised.set(one.code, one) : raised.delete(one.code)),
      onChange: () => {},
    });
    const alarmed = () => [...raised.values()].map(({ code, severity }) => `${code} ${severity}`).join(', ');
    const is = (standing: string, alarm: string, what: string) => {
      t.same([health.standing, alarmed()], [standing, alarm], what);
      t.equal(alarm === '', isUp(health.standing), 'no alarm beside a word that all is well');
      t.equal(health.cause === null, isUp(health.standing), 'and a reason with every other');
    };
    is('untried', '', 'nothing was asked');
    health.reached();
    is('works', '', 'the users could be had');
    for (const call of ['a', 'b', 'c']) health.failed('post', call, { ...failure, message: 'gone' }, 0);
    health.unanswered('gone', 1000);
    is('away', 'crm-unavailable error', 'an outage');
    health.answered(2000, true);
    health.nothingToTry('look-up', 2000);
    health.nothingToTry('post', 2000);
    t.equal(health.state, 'closed', 'it is back, and the calls that failed wait for their next try');
    is('answers', 'crm-unavailable warning', 'which nobody calls well, nor away');
    health.review(60_000);
    is('answers', 'crm-unavailable warning', 'however long they wait');
    health.failed('post', 'a', { ...failure, fresh: false, message: 'no' }, 60_000);
    health.review(61_000);
    is('answers', 'crm-unavailable error', 'one of them failed again');
    health.worked('post');
    is('works', '', 'one went through');
    health.denied('401');
    is('refused', 'crm-denied error', 'the keys are refused');
    health.answered(70_000, false);
    is('away', 'crm-denied error', 'taken again: believed when a call goes through');
    health.worked('post');
    is('works', '', 'as it does');
  },
);
