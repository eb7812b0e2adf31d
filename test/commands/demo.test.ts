/** What `logcalld demo` prints. */
import t from 'tap';
import { arrivalOf } from '../../src/commands/demo.ts';
import { facts } from '../support/facts.ts';
import { on } from '../support/told.ts';

t.test('a caller without a number is called the same as in his session', async (t) => {
  const arrives = (number: string | null, withheld = false) =>
    arrivalOf(
      on(0, {
        kind: 'channel-created',
        channel: 'a',
        facts: facts('PJSIP/trunk', 'a', { caller: { number, name: null }, withheld }),
      } as unknown as Parameters<typeof on>[1]),
    );
  t.match(arrives('+919845012345'), /PJSIP\/trunk {2}\*\*\*2345 calls \*\*\*0001$/);
  for (const hidden of [arrives(null), arrives('anonymous'), arrives('+919845012345', true)])
    t.match(hidden, / {2}hidden number calls /);
});
