/** Texts that come again and again, and keep nothing but themselves. */
import t from 'tap';
import { interned } from '../../../../adapters/asterisk/link/interned.ts';

t.test('a text stays what it is, whatever its length and characters', async (t) => {
  const whole = `Channel: PJSIP/1001-0000000a Name: Jürgen \u{1f4de} \ufffd Test ${'x'.repeat(200)}`;
  for (let round = 0; round < 2; round++) {
    for (let from = 0; from < 60; from += 7) {
      for (const length of [0, 5, 12, 13, 14, 40, 80, 81, 150]) {
        const piece = whole.slice(from, from + length).toWellFormed();
        t.equal(interned(piece), piece);
      }
    }
  }
});

t.test('also when many others have come in between', async (t) => {
  const name = (n: number) => `PJSIP/phone-${n}`;
  for (let n = 0; n < 5000; n++) t.equal(interned(name(n)), name(n));
  t.equal(interned(name(0)), name(0));
});
