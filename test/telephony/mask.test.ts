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

t.test('what is no number by its form stays', async (t) => {
  for (const text of [
    'The call pbx-1795345418.83 could not be stored',
    'hq-asterisk-1795345418.1042',
    'pbx1-1795345539.33',
    'hq-2-1795345539.33',
    'trial.db.damaged-20261126T050659Z-wal',
    'PJSIP/1001-0000002a and SIP/trunk-00000012 were bridged',
    'Local/1001@ring-0000000f;2',
    'a packet of 10485760 bytes was left out',
    'stood still for 1234567 ms',
    'run-20261122T101500.db, run-20261122-101500.db',
    'another logcalld (process 4194304) has it',
  ]) {
    t.equal(maskText(text), text);
  }
});

t.test('what stands beside it is a number all the same', async (t) => {
  t.equal(maskText('PJSIP/9845012345-0000002a'), 'PJSIP/***2345-0000002a');
  t.equal(maskText('Local/09845012345@ring-0000000f;2'), 'Local/***2345@ring-0000000f;2');
  t.equal(maskText('9845012345 10485760 bytes'), '***5760 bytes');
  t.equal(maskText('SIP-9845012345-1795345418.83'), 'SIP-***2345-1795345418.83');
  t.equal(maskText('call 1795345418.83 from 9845012345.'), 'call 1795345418.83 from ***2345.');
  t.equal(maskText('12125550123.'), '***0123.');
  t.equal(maskText('port 1 9845012345'), 'port ***2345');
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
