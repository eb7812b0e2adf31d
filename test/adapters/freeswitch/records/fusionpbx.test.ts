/** FusionPBX's table of records as a place of records. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { createFusionPbxRecords } from '../../../../adapters/freeswitch/records/fusionpbx.ts';
import { COLUMNS } from '../../../../adapters/freeswitch/records/fusionpbx-row.ts';
import type { PgQuery } from '../../../../adapters/freeswitch/records/options.ts';
import { scenarioOf } from '../../../support/cdr.ts';
import { scenarios } from '../../../support/recordings.ts';
import { CLOSED, fakePg, rowOf } from './fusionpbx-rows.ts';
import { bodiesOf, found, idsOf, type RecordedBody, SOURCE, spanOfLegs, told } from './support.ts';

const OWN = [...COLUMNS, 'start_stamp', 'extension_uuid'].map((name) => `v_xml_cdr.${name}`);
const EXTENSIONS = ['v_extensions.extension_uuid', 'v_extensions.extension'];
/** Since FusionPBX 5.3 the whole record lies in a table of its own; before, in a column. */
const NEW = [...OWN, ...EXTENSIONS, 'v_xml_cdr_json.xml_cdr_uuid', 'v_xml_cdr_json.json'];
const OLD = [...OWN, ...EXTENSIONS, 'v_xml_cdr.json'];

const bodies = (name: string) => bodiesOf(scenarioOf('freeswitch-1.11', name));
const place = (query: PgQuery, more: { domain?: string; now?: () => number } = {}) =>
  createFusionPbxRecords({ name: 'PostgreSQL fusionpbx (v_xml_cdr)', query, source: SOURCE, ...more });
const stored = (list: readonly RecordedBody[]) => list.filter(({ leg }) => !leg.called).map(rowOf);

t.test('rows with the whole record, as FusionPBX ships it: callers alone', async (t) => {
  const own = bodies('ringgroup_second_answers');
  for (const columns of [NEW, OLD]) {
    const { calls, skipped } = await told(place(fakePg(stored(own), columns).query), spanOfLegs(own));
    t.match(calls, [
      { direction: 'Inbound', status: 'Answered', agent: '1002', agentsRung: ['1001', '1002', '1003'], legs: 4 },
    ]);
    t.strictSame(skipped, {});
  }
});

t.test('the calls of all recordings in one table, page by page', async (t) => {
  const all = scenarios()
    .filter(({ pbx, directory }) => pbx === 'freeswitch' && existsSync(new URL('json_cdr.jsonl.gz', directory)))
    .flatMap(bodiesOf);
  const pg = fakePg(all.map(rowOf), NEW);
  const whole = await told(place(pg.query), spanOfLegs(all));
  t.ok(pg.asked.filter((sql) => sql.includes('LIMIT 50')).length > 2, 'rows in pages');
  t.equal(new Set(idsOf(whole.calls)).size, whole.calls.length, 'no call twice');
  const legs = whole.pages.flatMap(({ events }) => events.filter(({ kind }) => kind === 'channel-created'));
  t.ok(legs.length >= all.length - 20, 'nearly all legs: those never called are told in no record');
  // The same again from the middle on.
  const [first] = whole.pages;
  const rest = await told(place(pg.query), { from: first?.upTo ?? 0, to: spanOfLegs(all).to });
  const before = whole.calls.filter(({ endedAt }) => endedAt <= (first?.upTo ?? 0));
  const begun = new Set(idsOf([...before, ...rest.calls]));
  t.equal(begun.size, whole.calls.length, 'nothing is lost when a reading is broken off');
});

t.test('rows without the whole record tell what their columns hold', async (t) => {
  const seen = async (name: string) => {
    const own = bodies(name);
    const { from, to } = spanOfLegs(own);
    const rows = stored(own).map((row) => ({ ...row, json: null }));
    return (await told(place(fakePg(rows, [...OWN, ...EXTENSIONS]).query), { from: from - 1000, to: to + 1000 })).calls;
  };
  t.match(await seen('in_answered_caller_hangup'), [
    { direction: 'Inbound', status: 'Answered', agent: '1001', agentsRung: ['1001'], externalE164: '+919845012345' },
  ]);
  t.match(await seen('out_answered'), [{ direction: 'Outbound', status: 'Answered', agent: '1001' }]);
  t.match(await seen('out_busy'), [{ direction: 'Outbound', status: 'Busy', agent: '1003' }]);
  t.match(await seen('in_abandoned_ringing'), [{ direction: 'Inbound', status: 'Abandoned' }]);
  t.match(await seen('in_noanswer_voicemail'), [{ direction: 'Inbound', status: 'Voicemail' }]);
  t.match(await seen('queue_answered'), [{ direction: 'Inbound', status: 'Answered', agent: '1006' }]);
});

t.test('a record that is cut off, and a row without times', async (t) => {
  const own = bodies('in_answered_caller_hangup');
  const rows = stored(own).map((row) => ({ ...row, json: row.json?.slice(0, 400) ?? null }));
  const bad = { ...rows[0], xml_cdr_uuid: '11111111-0000-0000-0000-000000000000', json: null, start_epoch: null };
  const { from, to } = spanOfLegs(own);
  const { calls, skipped } = await told(place(fakePg([...rows, bad], NEW).query), { from: from - 1000, to: to + 1000 });
  t.match(calls, [{ agent: '1001', status: 'Answered' }], 'the columns do');
  t.match(Object.entries(skipped), [[/row 11111111-.*tells no times of a call; it was left out/, 1]]);
});

t.test('one domain of many', async (t) => {
  const own = bodies('in_answered_caller_hangup');
  const other = bodies('out_answered');
  const rows = [...stored(own), ...stored(other).map((row) => ({ ...row, domain_name: 'other.example' }))];
  const span = spanOfLegs([...own, ...other]);
  const { query } = fakePg(rows, NEW);
  t.match((await told(place(query, { domain: 'other.example' }), span)).calls, [{ direction: 'Outbound' }]);
  t.equal((await told(place(query), span)).calls.length, 2);
});

t.test('a PBX whose clock is ahead of this one: what it has recorded by its own clock is read', async (t) => {
  const own = bodies('ringgroup_second_answers');
  const span = spanOfLegs(own);
  const ahead = 3_600_000;
  const one = place(fakePg(stored(own), NEW).query, { now: () => span.to + 100_000 - ahead });
  t.strictSame((await told(one, span)).calls, []);
  const seen = await told(one, span, undefined, ahead);
  t.strictSame([seen.calls.length, seen.pages.at(-1)?.upTo], [1, span.to]);
});

t.test('what is not imported yet is not said to be told', async (t) => {
  const own = bodies('in_answered_caller_hangup');
  const { from, to } = spanOfLegs(own);
  const { query } = fakePg(stored(own), NEW);
  const upTo = async (now: number) => (await told(place(query, { now: () => now }), { from, to })).pages.at(-1)?.upTo;
  t.ok(((await upTo(to + 1000)) ?? to) < to);
  t.equal(await upTo(to + 120_000), to);
});

t.test('other databases, and rights that are missing', async (t) => {
  const reading = (query: PgQuery) => told(place(query), { from: 0, to: 1 });
  await t.rejects(reading(fakePg([], []).query), {
    name: 'RecordsError',
    message: /^PostgreSQL fusionpbx \(v_xml_cdr\): has no table v_xml_cdr; name the database of FusionPBX/,
  });
  await t.rejects(reading(fakePg([], ['v_xml_cdr.xml_cdr_uuid']).query), {
    message: /has no column start_epoch, end_epoch; upgrade the schema/,
  });
  const refusing =
    (code: string): PgQuery =>
    async (sql) => {
      if (sql.includes('pg_attribute')) return fakePg([], NEW).query(sql, []);
      throw Object.assign(new Error('permission denied for table v_xml_cdr of 1001'), { code });
    };
  await t.rejects(reading(refusing('42501')), { name: 'RecordsError', message: /may not be read; .*GRANT SELECT/ });
  await t.rejects(reading(refusing('ECONNREFUSED')), {
    name: 'RecordsError',
    message: /did not answer the question for calls \(ECONNREFUSED\); see that PostgreSQL runs/,
  });
  const closed = NEW.map((one) => (one.startsWith('v_xml_cdr_json') ? `${CLOSED}${one}` : one));
  await t.rejects(reading(fakePg([], closed).query), {
    message: /may not be read; .*GRANT SELECT ON v_xml_cdr, v_xml_cdr_json, v_extensions TO/,
  });
  t.match(await place(refusing('42501')).check(), { problem: /may not be read/, hints: [] });
  t.match(await place(fakePg([], []).query).check(), { problem: /has no table v_xml_cdr/, hints: [] });
});

t.test('what its settings keep from being recorded', async (t) => {
  const rows = bodies('ringgroup_second_answers').map(rowOf);
  const check = (list: typeof rows, columns = NEW) => place(fakePg(list, columns).query).check();
  t.strictSame(await check(rows), { problem: null, hints: [] });
  t.match(await check(rows.filter(({ leg }) => leg === 'a')), { hints: [/<param name="log-b-leg" value="true"\/>/] });
  t.match(await check(rows.map((row) => ({ ...row, json: null }))), { hints: [/cdr \/ format to json/] });
  t.match(await check([]), { problem: null, hints: [/holds no call: see that FreeSWITCH has mod_xml_cdr loaded/] });
});

t.test('closing ends what was handed in', async (t) => {
  let closed = 0;
  const close = async () => {
    closed += 1;
  };
  await createFusionPbxRecords({ name: 'x', query: fakePg([], NEW).query, source: SOURCE, close }).close();
  t.equal(closed, 1);
  await place(fakePg([], NEW).query).close();
});

t.test('a call is found by its id, and no other row is read before it has one', async (t) => {
  const own = bodies('ringgroup_second_answers');
  const span = spanOfLegs(own);
  const id = own.find(({ leg }) => !leg.called)?.leg.channel ?? '';
  const wanted = [{ id, span: { from: span.from - 5000, to: span.to + 5000 } }];
  const others = fakePg(stored(bodies('att_xfer_feature')), NEW);
  t.strictSame(await found(place(others.query), wanted), { calls: [], skipped: [] });
  t.strictSame(
    others.asked.filter((sql) => sql.includes('ORDER BY c.end_epoch')),
    [],
  );
  const { calls } = await found(place(fakePg(stored(own), NEW).query), wanted);
  t.match(calls, [{ callSessionId: `${SOURCE}-${id}`, agent: '1002', agentsRung: ['1001', '1002', '1003'] }]);
});
