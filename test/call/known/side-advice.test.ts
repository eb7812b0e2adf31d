/** The advised lines, put into a config, change the reading and silence the warning. */
import t from 'tap';
import { parseConfig } from '../../../config/load.ts';
import { type MisreadName, misreadName, partyOf } from '../../../src/call/known/side.ts';
import { adviceFor } from '../../../src/call/known/side-advice.ts';
import type { SourcePlan } from '../../../src/call/plan.ts';
import { planOf } from '../../../src/daemon/settings.ts';
import type { ChannelFacts } from '../../../src/telephony/call-event.ts';

/** A config of two sources, of which `pbx1` has these lines: keys first, then tables. */
function planWith(lines: readonly string[], own: { keys?: string; tables?: string } = {}): SourcePlan {
  const table = lines.indexOf('[[source.trunk]]');
  const keys = table < 0 ? lines : lines.slice(0, table);
  const kept = keys.some((line) => line.startsWith('extensions')) ? '' : (own.keys ?? '');
  const tables = table < 0 ? [] : lines.slice(table);
  const text = [
    ...['[[source]]', "type = 'asterisk'", "name = 'pbx1'", "username = 'u'", kept, ...keys],
    ...[own.tables ?? '', ...tables],
    ...['[[source]]', "type = 'freeswitch'", "name = 'pbx2'", '[leadsquared]', "host = 'api-in21.leadsquared.com'"],
  ].join('\n');
  const [source] = parseConfig(text, 'logcalld.toml').source;
  if (source === undefined) throw new Error('no source');
  return planOf(source);
}

function born(endpoint: string, context: string): ChannelFacts {
  return {
    ...{ name: `${endpoint}-00000001`, endpoint, linkedId: '1.1', initiator: 'endpoint', dialled: null, context },
    ...{ caller: { number: null, name: null }, extension: null, wire: null, withheld: false },
  };
}

function readingOf(plan: SourcePlan, facts: ChannelFacts) {
  const party = partyOf(plan, facts);
  return { side: party.side, rule: party.reason.rule, ext: party.ext, misread: misreadName(plan, party, facts) };
}

function misreadIn(plan: SourcePlan, all: readonly ChannelFacts[]): MisreadName[] {
  return all.flatMap((facts) => readingOf(plan, facts).misread ?? []);
}

const TRUNKS = ['PJSIP/80411', 'SIP/2000', "PJSIP/12*{'a}"].map((endpoint) => born(endpoint, 'from-pstn'));
const PHONES = ['PJSIP/asha.rao', 'PJSIP/9910001', "SIP/o'brien", 'PJSIP/a{b}*', 'PJSIP/back\\slash'].map((endpoint) =>
  born(endpoint, 'from-internal'),
);

t.test('the lines settle every name, and are needed for it', async (t) => {
  const own = { keys: "extensions = ['/^PJSIP\\/(?<ext>1\\d{3})$/', 'PJSIP/12*', 'PJSIP/80*', 'SIP/2*']" };
  const before = planWith([], own);
  const misread = misreadIn(before, [...TRUNKS, ...PHONES]);
  t.same(misread.map((one) => one.endpoint).sort(), [...TRUNKS, ...PHONES].map((one) => one.endpoint).sort());
  const after = planWith(adviceFor(misread, before, 'pbx1'), own);
  t.same(misreadIn(after, [...TRUNKS, ...PHONES]), [], 'no warning is left');
  for (const facts of TRUNKS)
    t.match(readingOf(after, facts), { side: 'trunk', rule: 'trunk-setting' }, facts.endpoint);
  for (const facts of PHONES) {
    // Listed later, where the context is another one by then and says nothing.
    const moved = { ...facts, context: 'macro-dial', contextMoved: true };
    const ext = readingOf(before, facts).ext;
    t.match(readingOf(before, moved), { side: 'trunk', rule: 'no-phone-known' }, `${facts.endpoint} before`);
    t.match(readingOf(after, moved), { side: 'extension', rule: 'extension-setting', ext }, `${facts.endpoint} after`);
  }
});

t.test('what was set before still holds', async (t) => {
  const own = { tables: "[[source.trunk]]\nmatch = ['PJSIP/carrier*']\ncountry = 'AE'\nnumber = '+97142000000'" };
  const before = planWith([], own);
  const misread = misreadIn(before, [...TRUNKS, ...PHONES]);
  const after = planWith(adviceFor(misread, before, 'pbx1'), own);
  t.match(partyOf(after, born('PJSIP/carrier1', 'from-pstn')), { country: 'AE', number: '+97142000000' });
  t.match(partyOf(after, born('PJSIP/80411', 'from-pstn')), { country: 'IN', format: 'auto', number: null });
  t.match(readingOf(after, born('PJSIP/1001', 'default')), { side: 'extension', rule: 'extension-setting' });
  t.equal(readingOf(after, born('PJSIP/asha_rao', 'default')).side, 'trunk', 'a pattern is for its own endpoint only');
});

t.test('each name once, in order, with the place; nothing for nothing', async (t) => {
  const plan = planWith([], { keys: "extensions = ['PJSIP/{ext}']" });
  const trunk = (endpoint: string) => ({ endpoint, side: 'trunk' as const, fact: 'context from-pstn' });
  t.strictSame(adviceFor([trunk('PJSIP/b'), trunk('PJSIP/a'), trunk('PJSIP/b')], plan, 'pbx1'), [
    '# after all other lines of [[source]] pbx1:',
    '[[source.trunk]]',
    "match = ['PJSIP/a', 'PJSIP/b']",
  ]);
  t.strictSame(adviceFor([{ endpoint: 'SIP/asha', side: 'extension' }], plan, 'pbx1'), [
    '# in [[source]] pbx1, in place of its line "extensions" if it has one:',
    "extensions = ['PJSIP/{ext}', 'SIP/asha']",
  ]);
  t.strictSame(adviceFor([], plan, 'pbx1'), []);
});
