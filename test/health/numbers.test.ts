/** Calls without a number that can be read: when that is told, with which remedy, and that the remedy is one. */
import t from 'tap';
import type { CallRecord } from '../../src/call/record.ts';
import { Shares } from '../../src/health/shares.ts';
import {
  advised,
  bench,
  caller,
  hidden,
  inbound,
  outgoing,
  type Settings,
  sent,
  short,
  some,
  times,
} from './support.ts';

const prefixed = (n: number): string => `778898450${String(12_345 + 37 * n)}`;

/** What stands with these settings, and what with the advised lines in them. */
function mended(settings: Settings, code: string, records: readonly CallRecord[]) {
  const before = bench(settings);
  before.take(...records);
  const told = before.find(code);
  const after = bench(advised(settings, told.lines));
  after.take(...records);
  return { ...told, after: after.codes() };
}

t.test('numbers sent with an unknown prefix: the line of the config that reads them', async (t) => {
  const calls = [...times(44, () => outgoing()), ...times(6, (n) => sent(prefixed(n)))];
  const { text, lines, severity, after } = mended({}, 'called-unread', calls);
  t.match(
    text,
    /^pbx: 6 of the last 50 outgoing calls were sent out with numbers that cannot be read \(trunk PJSIP\/xyz\)/,
  );
  t.match(text, /such as 77xxxxxxxxxxxx: .* The PBX puts 7788 before the number/);
  t.strictSame(lines, [
    '# after all other lines of [[source]] pbx:',
    '[[source.trunk]]',
    "match = ['PJSIP/xyz']",
    "dial_prefix = ['7788']",
  ]);
  t.equal(severity, 'warning');
  t.strictSame(after, []);
  t.notMatch(text, /98450/, 'nobody is named');
});

t.test('a trunk that has a table keeps its prefixes', async (t) => {
  const tables = ['[[source.trunk]]', "match = ['PJSIP/x*']", "dial_prefix = ['9']"];
  const calls = times(8, (n) => sent(prefixed(n)));
  const { lines, after } = mended({ tables }, 'called-unread', calls);
  t.strictSame(lines, [
    `# in the [[source.trunk]] of pbx with match = ['PJSIP/x*'], in place of its line "dial_prefix" if it has one:`,
    "dial_prefix = ['9', '7788']",
  ]);
  t.strictSame(after, []);
});

t.test('numbers of another country: of one that the config knows, else where to set it', async (t) => {
  const calls = times(6, (n) => sent(`05012345${n}7`));
  const lines = ['[source.direct_lines]', "'+97142345678' = '1001'"];
  const known = mended({ tables: lines }, 'called-unread', calls);
  t.match(known.text, /can be read as numbers of AE/);
  t.strictSame(known.lines.slice(1), ['[[source.trunk]]', "match = ['PJSIP/xyz']", "country = 'AE'"]);
  t.strictSame(known.after, []);
  const { take, find } = bench();
  take(...calls);
  t.match(find('called-unread').text, /correct the line country = 'IN' of \[\[source\]\] pbx/);
  t.strictSame(find('called-unread').lines, []);
});

t.test('callers in a form that cannot be read', async (t) => {
  const cut = times(6, (n) => caller(`845012${n}4`));
  const one = bench();
  one.take(...times(10, inbound), ...cut);
  t.match(one.find('callers-unread').text, /6 of the last 16 callers .* \(trunk PJSIP\/trunk-in\), such as 84xxxxxx: /);
  const tables = ['[[source.trunk]]', "match = ['PJSIP/trunk-in']", "format = 'international'"];
  const national = mended(
    { tables },
    'callers-unread',
    times(6, (n) => caller(`9845012${n}45`)),
  );
  t.match(national.text, /They can be read with format = 'auto'\.$/);
  t.strictSame(national.after, []);
  const blotted = bench();
  blotted.take(...times(5, (n) => caller(`9845${n}xxxxx`, { withheld: true })));
  t.match(blotted.find('callers-unread').text, /such as 98xxxxxxxx: .*The carrier blots out digits/);
  t.strictSame(blotted.codes(), ['callers-unread'], 'they are not hidden callers');
});

t.test('hidden callers are usual; a line without caller ID is not', async (t) => {
  const usual = bench();
  usual.take(...times(25, inbound), ...times(25, () => hidden()));
  t.strictSame(usual.codes(), [], 'half of them are hidden, as at a help line');
  const calls = [...times(40, inbound), ...times(10, () => hidden('DAHDI/5'))];
  const { text, lines, after } = mended({}, 'callers-hidden', calls);
  t.match(text, /^pbx: 10 of the last 10 callers on DAHDI\/5 showed no number, so their calls are not posted/);
  t.strictSame(lines, [
    '# in [leadsquared.lead], in place of its line "anonymous" if it has one:',
    "anonymous = 'send'",
  ]);
  t.strictSame(after, [], 'they are posted then');
  const few = (goods: number, bads: number): boolean => {
    const { take, codes } = bench();
    take(...times(goods, inbound), ...times(bads, () => hidden()));
    return codes().length > 0;
  };
  t.strictSame([few(0, 4), few(4, 5), few(5, 5)], [false, true, false], 'five, and more than half');
  const all = bench();
  all.take(...times(10, () => some({ external: null, externalE164: null, withheld: true, trunk: null })));
  t.strictSame(all.codes(), ['callers-hidden']);
  // FreeSWITCH names hidden callers after the host they show, not after their carrier.
  const host = bench();
  host.take(...times(38, inbound), ...times(12, () => hidden('sofia/external/anonymous.invalid')));
  t.strictSame(host.codes(), []);
});

t.test('the PBX told no number that was called', async (t) => {
  const one = bench();
  one.take(...times(20, () => outgoing()), ...times(5, () => sent(null)));
  t.match(one.find('called-unnamed').text, /of 5 of the last 25 outgoing calls .* manager\.conf/);
  const never = bench();
  never.take(...times(9, () => outgoing({ external: '12345', externalE164: null, trunk: null })));
  t.strictSame(never.codes(), [], 'what no trunk took was dialled wrongly');
});

t.test('speed dials: which numbers, and the line that makes calls of customers of them', async (t) => {
  const calls = [...times(20, () => outgoing()), ...times(3, () => short('701')), ...times(3, () => short('702'))];
  const { text, lines, after } = mended({ keys: ["speed_dials = ['8*']"] }, 'short-numbers', calls);
  t.match(text, /^pbx: 6 of the last 26 calls to outside were dialled as 701, 702 and count as internal/);
  t.strictSame(lines, [
    '# in [[source]] pbx, in place of its line "speed_dials" if it has one:',
    "speed_dials = ['8*', '701', '702']",
  ]);
  t.strictSame(after, []);
});

t.test('colleagues on their mobiles are no speed dials', async (t) => {
  const calls = times(9, () => short('1007'));
  const cases: readonly (readonly [string, Settings, readonly CallRecord[]])[] = [
    ['has a direct line', { tables: ['[source.direct_lines]', "'+918041110007' = '1007'"] }, calls],
    ['has a mobile', { tables: ['[source.agent_mobiles]', "'+919811100007' = '1007'"] }, calls],
    ['made a call', {}, [...calls, outgoing({ agent: '1007' })]],
    ['desk phone rang', {}, times(9, () => short('1007', { agentsRung: ['1007'] }))],
    ['a group in which a phone rang', {}, times(9, () => short('600', { agentsRung: ['1002'] }))],
    ['a ring group', {}, times(9, () => short('600', { ringGroup: '600', agentsRung: [] }))],
    ['internal calls are posted', { more: ['[filters]', "internal = 'post'"] }, calls],
  ];
  for (const [name, settings, records] of cases) {
    const { take, codes } = bench(settings);
    take(...records);
    t.strictSame(codes(), [], name);
  }
  const seen = bench();
  seen.watch.known(['1007']);
  seen.take(...calls);
  t.strictSame(seen.codes(), [], 'was seen in earlier days');
  const unknown = bench();
  unknown.take(...calls);
  t.strictSame(unknown.codes(), ['short-numbers']);
});

t.test('where it begins, and where it ends', async (t) => {
  const bad = (n: number) => times(n, (index) => sent(prefixed(index)));
  const standing = (bads: number, goods: number): boolean => {
    const { take, codes } = bench();
    take(...times(goods, () => outgoing()), ...bad(bads));
    return codes().length > 0;
  };
  t.notOk(standing(4, 0), 'fewer than five are chance');
  t.ok(standing(5, 0));
  t.notOk(standing(5, 45), 'a tenth is not more than a tenth');
  t.ok(standing(6, 44));
  const { watch, clock, codes, logged } = bench();
  const feed = (...records: readonly ReturnType<typeof sent>[]): void => {
    for (const record of records) {
      clock.block(60_000);
      watch.note([{ ...record, endedAt: clock.now() }]);
    }
    watch.review();
  };
  feed(...bad(6));
  t.strictSame(codes(), ['called-unread']);
  feed(...times(47, () => outgoing()));
  t.strictSame(codes(), ['called-unread'], '3 of 50 still stand: it does not come and go');
  feed(outgoing());
  t.strictSame(codes(), []);
  t.strictSame(logged, ['warn called-unread', 'notice called-unread'], 'said once, and that it is over');
});

t.test('calls of a week count; without new ones it ends by itself', async (t) => {
  const { take, codes, clock, watch } = bench();
  take(...times(5, (n) => sent(prefixed(n))));
  clock.block(6.9 * 24 * 3_600_000);
  watch.review();
  t.strictSame(codes(), ['called-unread']);
  clock.block(0.2 * 24 * 3_600_000);
  watch.review();
  t.strictSame(codes(), []);
});

t.test('calls in and calls out, and each PBX, are looked at for themselves', async (t) => {
  const { take, codes } = bench();
  take(...times(50, inbound), ...times(5, (n) => sent(prefixed(n))), ...times(60, () => some({ source: 'other' })));
  t.strictSame(codes(), ['called-unread']);
  const two = bench();
  two.take(...times(3, (n) => sent(prefixed(n))), ...times(3, (n) => ({ ...sent(prefixed(n)), source: 'other' })));
  t.strictSame(two.codes(), []);
  const other = bench();
  other.take(...times(5, (n) => ({ ...sent(prefixed(n)), source: 'other' })));
  t.strictSame(other.codes(), ['called-unread other']);
});

t.test('what a filter leaves out and what was heard in part says nothing', async (t) => {
  const filters = ['[filters]', "skip_numbers = ['7788*']", "skip_trunks = ['PJSIP/branch']"];
  const { take, codes } = bench({ more: filters });
  take(...times(9, (n) => sent(prefixed(n))), ...times(9, () => caller('2001', { trunk: 'PJSIP/branch' })));
  t.strictSame(codes(), []);
  const part = bench();
  part.take(...times(9, (n) => ({ ...sent(prefixed(n)), flags: ['blind-interval'] })));
  t.strictSame(part.codes(), []);
});

t.test('a call that is known better later counts as it is then, and once', async (t) => {
  const { watch, codes, clock } = bench();
  const calls = times(5, (n) => ({ ...sent(prefixed(n)), endedAt: clock.now() }));
  for (let again = 0; again < 3; again += 1) watch.note(calls.slice(0, 4));
  watch.review();
  t.strictSame(codes(), []);
  watch.note(calls);
  watch.review();
  t.strictSame(codes(), ['called-unread']);
  watch.note(calls.map((one) => ({ ...one, externalE164: '+919845012345' })));
  watch.review();
  t.strictSame(codes(), []);
});

t.test('a storm of calls is looked at once in ten seconds', async (t) => {
  const { watch, codes, clock } = bench();
  for (const one of times(5, (n) => sent(prefixed(n)))) watch.note([{ ...one, endedAt: clock.now() }]);
  t.strictSame(codes(), [], 'the first call alone was looked at');
  await clock.advance(9_999);
  t.strictSame(codes(), []);
  await clock.advance(1);
  t.strictSame(codes(), ['called-unread']);
  await clock.advance(10_000);
  t.equal(clock.timers.length, 0, 'without calls nothing is looked at');
  watch.note([outgoing()]);
  watch.stop();
  t.equal(clock.timers.length, 0);
});

t.test('a call that turned out to go the other way counts there alone', async (t) => {
  const shares = new Shares();
  const now = 1_700_000_000_000;
  const seen = (n: number, way: 'in' | 'out', trouble: 'caller-unread' | null) =>
    shares.note({ id: `${n}`, endedAt: now - 1000, way, trouble, trunk: 't', number: '1' });
  const standing = () => shares.standing(now, () => true).map(({ trouble, calls }) => [trouble, calls.length]);
  for (let n = 0; n < 10; n++) seen(n, 'in', 'caller-unread');
  t.strictSame(standing(), [['caller-unread', 10]]);
  for (let n = 0; n < 10; n++) seen(n, 'out', null);
  t.strictSame(standing(), []);
});
