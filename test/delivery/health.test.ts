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
