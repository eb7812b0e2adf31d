import fc from 'fast-check';
import t from 'tap';
import {
  bareNumber,
  formatNumber,
  isWithheld,
  NUMBER_FORMATS,
  statedNumber,
  toE164,
} from '../../src/telephony/number.ts';
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

t.test('numbers in URIs, with parameters, separators and in other scripts', async (t) => {
  const table: readonly (readonly [string, string, string | null])[] = [
    ['tel:+91-98450-12345', 'US', '+919845012345'],
    ['sip:+919845012345;phone-context=+91@carrier.example;user=phone', 'IN', '+919845012345'],
    ['09845012345;phone-context=+91', 'AE', '+919845012345'],
    ['tel:41110001;phone-context=+9180', 'US', '+918041110001'],
    ['tel:09845012345;phone-context=carrier.example', 'IN', '+919845012345'],
    ['+918041110001;npdi;rn=+911234567890', 'IN', '+918041110001'],
    ['sip:08041110001;rn=1234567890;npdi@10.0.0.1:5060', 'IN', '+918041110001'],
    ['+919845012345;isub=12;ext=3', 'IN', '+919845012345'],
    ['"Asha Rao" <sip:+919845012345@carrier.example;user=phone>', 'IN', '+919845012345'],
    ['sip:09845012345:secret@carrier.example', 'IN', '+919845012345'],
    ['%2B919845012345', 'IN', '+919845012345'],
    ['%ZZ9845012345', 'IN', null],
    ['+44 (0)20 7946 0123', 'IN', '+442079460123'],
    ['0091 80 4111 0001', 'IN', '+918041110001'],
    ['+91.98450.12345', 'IN', '+919845012345'],
    ['+91\u201198450\u201312345', 'IN', '+919845012345'],
    ['\u202a+919845012345\u202c', 'IN', '+919845012345'],
    ['९८४५०१२३४५', 'IN', '+919845012345'],
    ['٠٥٠١٢٣٤٥٦٧', 'AE', '+971501234567'],
    ['＋９１９８４５０１２３４５', 'IN', '+919845012345'],
    ['+09845012345', 'IN', '+919845012345'],
    ['+00919845012345', 'IN', '+919845012345'],
    ['0919845012345', 'IN', '+919845012345'],
    ['0971501234567', 'IN', null],
    ['192.168.100.20', 'IN', null],
    ['1234#9845012345', 'IN', null],
    ['client42', 'IN', null],
  ];
  for (const [raw, country, e164] of table) t.equal(toE164(raw, country), e164, raw);
  t.equal(bareNumber('+918041110001;npdi;rn=+911234567890'), '+918041110001', 'never the number it is routed to');
  t.equal(bareNumber('sip:1234#9845012345@10.0.0.1'), '1234#9845012345');
  t.equal(bareNumber('sip:asha.rao@10.0.0.1'), null);
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

t.test('a number that states its country, whatever that of a trunk is', async (t) => {
  for (const text of ['+91-9845012345', '+91 98450 12345', '00919845012345', '+91-09845012345', 'tel:+919845012345'])
    t.equal(statedNumber(text), '+919845012345', text);
  for (const text of [
    '',
    '9845012345',
    '09845012345',
    '919845012345',
    '+',
    '+0',
    '+91-919845012345',
    '+91-98450 ext 2',
  ])
    t.equal(statedNumber(text), null, text);
});

t.test('formats', async (t) => {
  const written = NUMBER_FORMATS.map((format) => formatNumber('+919845012345', format));
  t.strictSame(written, ['+91-9845012345', '+919845012345', '919845012345', '9845012345']);
  t.equal(formatNumber('1001', '+CC-NSN'), null);
});
