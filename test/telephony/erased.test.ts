/** Numbers of which an operator had the digits taken out. */
import t from 'tap';
import { isCountryCode } from '../../src/telephony/erased.ts';
import { isWithheld, toE164 } from '../../src/telephony/number.ts';

t.test('what is left of an erased number is no number', (t) => {
  const left = [
    '+910000000000',
    '00910000000000',
    '910000000000',
    '+4400000000000',
    '+3720000000',
    '+91 00000 00000',
    '00000000000',
  ];
  for (const one of left) t.same([isWithheld(one), toE164(one, 'IN')], [true, null], one);
  t.end();
});

t.test('numbers with many zeros are numbers', (t) => {
  for (const one of ['7000000000', '+917000000000', '+914420000000', '+6560000000', '910000000', '1800', '+91'])
    t.equal(isWithheld(one), false, one);
  t.equal(toE164('7000000000', 'IN'), '+917000000000');
  t.equal(toE164('+6560000000', 'IN'), '+6560000000');
  t.end();
});

t.test('country codes', (t) => {
  for (const one of ['1', '7', '20', '44', '91', '212', '372', '971', '998']) t.ok(isCountryCode(one), one);
  for (const one of ['', '0', '2', '9', '99', '441', '910', '1204']) t.notOk(isCountryCode(one), one);
  t.end();
});
