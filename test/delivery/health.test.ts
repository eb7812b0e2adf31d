/** What an operator is told of the way to the CRM. */
import t from 'tap';
import type { Condition } from '../../src/condition.ts';
import { createHealth } from '../../src/delivery/health.ts';

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
