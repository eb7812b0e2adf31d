/** Numbers are masked in every usual way of writing, with anything beside them; what is made of digits and is none stays. */
import fc from 'fast-check';
import t from 'tap';
import { maskNumber, maskText } from '../../src/telephony/mask.ts';
import { mayHoldNumber, numbersPattern } from '../../src/telephony/written.ts';
import { runs } from '../support/runs.ts';

/** The first digit of a script. */
const SCRIPTS = ['0', '٠', '۰', '०', '০', '௦', '０', '𝟎'];
const inScript = (text: string, zero: string): string =>
  text.replace(/%2.|\d/g, (sign) =>
    sign.length > 1 ? sign : String.fromCodePoint((zero.codePointAt(0) ?? 0) + Number(sign)),
  );

const BETWEEN = [
  '',
  ' ',
  '  ',
  '-',
  ' - ',
  '.',
  '/',
  ' / ',
  '\u00a0',
  '\u202f',
  '\u2011',
  '\u2013',
  '\u2212',
  '%20',
  '\u200b',
];
const COUNTRY = ['', '+91 ', '+91-', '+91', '(+91) ', '+44 (0)', '00', '0047 ', '\uff0b91', '%2B91', '+47 '];

interface Written {
  readonly groups: readonly string[];
  readonly country: string;
  readonly between: string;
  readonly brackets: boolean;
}

const digits = (min: number, max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { minLength: min, maxLength: max }).map((all) => all.join(''));

const written: fc.Arbitrary<Written> = fc
  .record({
    groups: fc.array(digits(2, 5), { minLength: 2, maxLength: 5 }),
    country: fc.constantFrom(...COUNTRY),
    between: fc.constantFrom(...BETWEEN),
    brackets: fc.boolean(),
  })
  .filter(({ groups }) => groups.join('').length >= 7 && groups.join('').length <= 15)
  .filter((one) => one.country !== '' || !couldBeOther(one));

/** A date, an address, an id by its groups: a person could not tell, either. */
function couldBeOther({ groups, between }: Written): boolean {
  const form = groups.map((group) => group.length).join(between);
  const together = groups.join(between);
  const date = /^(?:4[-/.]2[-/.]2|2[-/.]2[-/.]4)/.test(form);
  const address = between === '.' && groups.length === 4 && groups.every((group) => Number(group) < 256);
  const whole = between === '' && together.length < 10;
  const length = whole || (between === '.' && groups.length === 2 && (groups[1]?.length ?? 0) < 4);
  return date || address || length;
}

const textOf = ({ groups: [first = '', ...rest], country, between, brackets }: Written): string =>
  `${country}${[brackets ? `(${first})` : first, ...rest].join(between)}`;

/** Each with nothing in it that could be a part of a number. */
const BEFORE = [
  '',
  'from ',
  'tel:',
  '"',
  '<sip:',
  'PJSIP/',
  'at 13:34:00.123 ',
  '2026-11-22 ',
  '192.168.1.5:5038 ',
  'call 1795345418.83, ',
  'number=',
  '(',
];
const AFTER = [
  '',
  ' ',
  ', ok',
  '.',
  '. 12 calls',
  '@carrier',
  '"',
  ' ms',
  ' bytes',
  ';2',
  ' 13:34:00',
  ' 2026-11-22T10:00:00Z',
  ' 192.168.100.200',
  '-20261122-101500',
  ')',
  ': 5',
];

t.test('a number is masked in every way of writing, whatever stands beside it', async (t) => {
  const property = fc.property(
    written,
    fc.constantFrom(...SCRIPTS),
    fc.constantFrom(...BEFORE),
    fc.constantFrom(...AFTER),
    (one, zero, before, after) => {
      const number = inScript(textOf(one), zero);
      const shown = inScript(one.groups.join('').slice(-4), zero);
      const found = maskText(`${before}${number}${after}`);
      if (found !== `${before}***${shown}${after}`) throw new Error(`"${before}${number}${after}" became "${found}"`);
      if (maskNumber(number) !== `***${shown}`) throw new Error(`"${number}" became "${maskNumber(number)}"`);
    },
  );
  t.doesNotThrow(() => fc.assert(property, runs(800, 50_000)));
});

const two = (value: number): string => String(value).padStart(2, '0');
const below = (max: number, min = 0) => fc.integer({ min, max: max - 1 });
const joined = (sign: string, ...parts: readonly fc.Arbitrary<number>[]) =>
  fc.tuple(...parts).map((all) => all.map(two).join(sign));
const date = fc
  .constantFrom('-', '/', '.')
  .chain((sign) => joined(sign, below(2100, 1970), below(13, 1), below(32, 1)));
const time = fc.tuple(joined(':', below(24), below(60), below(60)), fc.constantFrom('', '.5', '.123', ',123456'));
const clock = time.map(([whole, part]) => whole + part);
const address = fc.tuple(below(256), below(256), below(256), below(256)).map((all) => all.join('.'));
const second = below(2_000_000_000, 1_000_000_000);

/** What people have to be able to read, also behind a digit and a blank. */
const APART: Readonly<Record<string, fc.Arbitrary<string>>> = {
  date,
  time: clock,
  moment: fc
    .tuple(date, fc.constantFrom(' ', 'T'), clock, fc.constantFrom('', 'Z'))
    .map((all) => all.join('').replace(',', '.')),
  address,
  'address with a port': fc.tuple(address, below(65_536, 1)).map((all) => all.join(':')),
  network: fc.tuple(address, below(33)).map((all) => all.join('/')),
  'id of a call': fc
    .tuple(fc.constantFrom('', 'pbx-', 'hq-2-'), second, below(100_000))
    .map(([a, b, c]) => `${a}${b}.${c}`),
  uuid: fc.uuid(),
};
/** The same, as long as no digit stands before it. */
const KEPT: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'name of a file': fc
    .tuple(joined('', below(2100, 2000), below(13, 1), below(32, 1)), joined('', below(24), below(60), below(60)))
    .map((all) => `trial.db.auto-${all.join('T')}Z`),
  'folder of recordings': joined('/', below(2100, 1970), below(13, 1), below(32, 1)).map(
    (day) => `/var/spool/${day}/out.wav`,
  ),
  channel: fc
    .tuple(below(10_000, 100), below(0xfffffff))
    .map(([a, b]) => `PJSIP/${a}-0${b.toString(16).padStart(7, '0')}`),
  version: fc.tuple(below(100), below(100), below(100)).map((all) => all.join('.')),
  kernel: fc
    .tuple(below(10, 4), below(30), below(10), below(2000))
    .map(([a, b, c, d]) => `Linux ${a}.${b}.${c}-${d}-aws`),
  length: below(1_000_000_000).map((ms) => `${ms} ms`),
  'exact length': fc.tuple(below(1_000_000_000), below(1000)).map(([ms, part]) => `${ms}.${part} ms`),
  size: below(1_000_000_000).map((bytes) => `${bytes} bytes`),
  process: below(4_194_305, 1).map((pid) => `process ${pid}`),
};
const BESIDE = ['', '(', 'since ', '"', 'at=', '9845012345, '];
const BEHIND = ['', ')', '.', ', 9845012345', ' was heard', '"', ' of 12'];

const stays = (kept: fc.Arbitrary<string>, beside: readonly string[]) =>
  fc.property(kept, fc.constantFrom(...beside), fc.constantFrom(...BEHIND), (text, before, after) => {
    const whole = `${before}${text}${after}`;
    const found = maskText(whole);
    if (found !== whole.replaceAll('9845012345', '***2345')) throw new Error(`"${whole}" became "${found}"`);
  });

for (const [name, kept] of Object.entries(APART)) {
  t.test(`${name}: stays`, async (t) => {
    t.doesNotThrow(() => fc.assert(stays(kept, [...BESIDE, 'source 2 ', '9845012345 ']), runs(80, 5_000)));
  });
}

for (const [name, kept] of Object.entries(KEPT)) {
  t.test(`${name}: stays`, async (t) => {
    t.doesNotThrow(() => fc.assert(stays(kept, BESIDE), runs(80, 5_000)));
  });
}

/** Pieces that are put together at random, so that numbers and what is none meet in every way. */
const PIECES = [
  ...'0;7;12;345;98450;12345;1795345418;9845012345;+91;00;%2B;%20;%2E;%2D;\u0663'.split(';'),
  ...' ;  ;-; - ;.;/;(;);:;,;";=;[;<;_;\u00a0'.split(';'),
  ...'a;at ;of ;PBX;E;d;freeswitch ;10.0.0.1;192.168.1.10;192.168.1.10:5038;98.45.12.34'.split(';'),
  ...'10:21:18;10:20:10;2026-11-27;27.11.2026;process 1234567;5 ms'.split(';'),
  ...'1001-0000002a;pbx1-1795345539.33'.split(';'),
];

t.test('a text that is passed over by its digits holds no number', async (t) => {
  const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((all) => all.join(''));
  let passed = 0;
  const holds = fc.property(text, (whole) => {
    if (mayHoldNumber(whole)) return;
    passed += 1;
    for (const { 0: found, groups } of whole.matchAll(numbersPattern())) {
      if (groups?.keep === undefined && maskNumber(found) !== found) throw new Error(`"${found}" in "${whole}"`);
    }
  });
  t.doesNotThrow(() => fc.assert(holds, runs(2_000, 200_000)));
  t.ok(passed > 500, 'enough are passed over');
});

t.test('the lines of a usual status are passed over', async (t) => {
  for (const text of [
    'FreeSWITCH at 192.168.100.200:8021 cannot be reached (ECONNREFUSED).',
    'connected since 10:21:18, 12345 events, 12 calls',
    'LeadSquared 24 of 25 requests, 3 in the last 60 s',
  ])
    t.notOk(mayHoldNumber(text), text);
});
