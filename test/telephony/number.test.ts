import fc from 'fast-check';
import t from 'tap';
import { formatNumber, isWithheld, NUMBER_FORMATS, toE164 } from '../../src/telephony/number.ts';
import { scenarios } from '../support/recordings.ts';

t.test('every number of the recordings, in all the ways trunks write it', async (t) => {
  const seen = new Map(scenarios().flatMap(({ truth }) => truth.map((call) => [call.external, call.externalE164])));
  for (const [raw, e164] of seen) t.equal(toE164(raw ?? null, 'IN'), e164 ?? null, String(raw));
});

t.test('numbers are read by the country of the trunk, and by how the trunk writes them', async (t) => {
  t.equal(toE164('0501234567', 'AE'), '+971501234567');
  t.equal(toE164('6591234567', 'IN'), '+6591234567', 'a mobile of Singapore, not a village in India');
  t.equal(toE164('6591234567', 'IN', 'national'), '+916591234567');
  t.equal(toE164('971501234567', 'IN', 'international'), '+971501234567');
  t.equal(toE164('1800123456', 'IN'), '1800123456', 'toll-free: no international form');
  t.equal(toE164('sip:+919845012345@carrier', 'IN'), '+919845012345');
  t.equal(toE164('+91 98450-12345', 'IN'), '+919845012345');
});

t.test('what is no number stays none', async (t) => {
  for (const raw of [
    null,
    '',
    's',
    'anonymous',
    'Restricted',
    '<unknown>',
    '201',
    '1001',
    '*43',
    '+',
    'abc 09810012345',
  ]) {
    t.equal(toE164(raw, 'IN'), null, String(raw));
  }
  t.ok(isWithheld('Anonymous') && isWithheld('') && isWithheld(null) && isWithheld('unavailable'));
  t.notOk(isWithheld('9845012345'));
});

t.test('any text gives a number or null, and never throws', async (t) => {
  fc.assert(fc.property(fc.string(), (text) => /^\+?\d+$/.test(toE164(text, 'IN') ?? '0')));
  t.pass();
});

t.test('formats', async (t) => {
  const written = NUMBER_FORMATS.map((format) => formatNumber('+919845012345', format));
  t.strictSame(written, ['+91-9845012345', '+919845012345', '919845012345', '9845012345']);
  t.equal(formatNumber('1001', '+CC-NSN'), null);
});
