import { inspect } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { maskNumber, maskText, Phone } from '../../src/telephony/mask.ts';

t.test('numbers keep their last four digits, extensions all of them', async (t) => {
  t.equal(maskNumber('+91-9845012345'), '***2345');
  t.equal(maskNumber('09845012345'), '***2345');
  t.equal(maskNumber('1001'), '1001');
  t.equal(maskNumber('100100'), '100100');
});

t.test('numbers in text are masked in every writing', async (t) => {
  t.equal(maskText('from +91-9845012345 to 1004'), 'from ***2345 to 1004');
  t.equal(maskText('from +91 (98450) 12345, ok'), 'from ***2345, ok');
  t.equal(maskText('sofia/external/+919845012345@carrier'), 'sofia/external/***2345@carrier');
  t.equal(maskText('98450 12345 and 9845099999'), '***2345 and ***9999'.replace('2345 and ***', '2345 and ***'));
});

t.test('ids and times stay', async (t) => {
  for (const text of [
    '2026-11-22T13:34:00.123Z',
    '2026-11-22 13:34:00',
    '6b1f0c9e-2011-1234-5678-024211200025',
    'waited 5000 ms',
    '192.168.100.200:5038',
  ]) {
    t.equal(maskText(text), text);
  }
  t.equal(maskText('2026-11-22 9845012345'), '2026-11-22 ***2345', 'a number after a date is a number');
});

t.test('no run of seven digits is ever left', async (t) => {
  const digit = fc.constantFrom(...'0123456789 +-()ax');
  const property = fc.property(fc.array(digit, { maxLength: 60 }), (letters) => {
    const masked = maskText(letters.join(''));
    return !/\d{7}/.test(masked);
  });
  t.doesNotThrow(() => fc.assert(property));
});

t.test('a Phone shows itself masked', async (t) => {
  const phone = new Phone('+919845012345');
  t.equal(`${phone} ${JSON.stringify(phone)} ${inspect({ phone })}`, '***2345 "***2345" { phone: ***2345 }');
  t.equal(phone.reveal(), '+919845012345');
});
