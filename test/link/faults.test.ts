/** Faults are all counted, and some of them told. */
import t from 'tap';
import { Faults } from '../../src/link/faults.ts';

t.test('the first of each subject is told, the tenth and the hundredth', async (t) => {
  const told: string[] = [];
  const faults = new Faults((text) => told.push(text));
  t.equal(faults.count, 0);
  for (let i = 1; i <= 100; i += 1) faults.add('long', `Packet ${i} is too long.`);
  faults.add('bad', 'One is bad.');
  t.same(told, [
    'Packet 1 is too long. Further ones are counted.',
    'Packet 10 is too long. That makes 10.',
    'Packet 100 is too long. That makes 100.',
    'One is bad. Further ones are counted.',
  ]);
  t.equal(faults.count, 101);
});
