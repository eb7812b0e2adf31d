/** Records that say nonsense: whatever stands in them, the others are told and nothing breaks. */
import { appendFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { createCsvRecords, createJsonCdrRecords } from '../../../../adapters/freeswitch/records/index.ts';
import { bytesOf, scenarioOf } from '../../../support/cdr.ts';
import { bodiesOf, lay, SOURCE, spanOfLegs, temporary, told } from './support.ts';

type Json = Record<string, unknown>;

const scenario = scenarioOf('freeswitch-1.11', 'blind_refer');
const good = bodiesOf(scenarioOf('freeswitch-1.11', 'in_answered_caller_hangup'));
const bad = bodiesOf(scenario);

/** Any value instead of one that stands somewhere in the record. */
function spoiled(value: unknown, path: readonly number[], by: unknown): unknown {
  const [at, ...rest] = path;
  if (at === undefined || typeof value !== 'object' || value === null) return by;
  if (Array.isArray(value)) {
    const index = value.length === 0 ? 0 : at % value.length;
    return value.map((one, n) => (n === index ? spoiled(one, rest, by) : one));
  }
  const names = Object.keys(value);
  const name = names[names.length === 0 ? 0 : at % names.length] ?? 'uuid';
  return { ...value, [name]: spoiled((value as Json)[name], rest, by) };
}

const spoiling = fc.record({
  leg: fc.nat(bad.length - 1),
  path: fc.array(fc.nat(400), { minLength: 1, maxLength: 6 }),
  by: fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(
      '0',
      '-1',
      '1',
      '99999999999999999999',
      'NaN',
      '',
      '%',
      '%FF%',
      'ARRAY::|:|:;;',
      ';;;',
      {},
      [],
      [[]],
    ),
  ),
});

t.test('files of mod_json_cdr', async (t) => {
  const folder = temporary(t);
  for (const { file, bytes, leg } of good) lay(folder, file, bytes, leg.endedAt);
  const property = fc.asyncProperty(fc.array(spoiling, { minLength: 1, maxLength: 3 }), async (list) => {
    let bodies = bad.map(({ bytes }): unknown => JSON.parse(bytes.toString()));
    for (const { leg, path, by } of list) {
      bodies = bodies.map((body, index) => (index === leg ? spoiled(body, path, by) : body));
    }
    for (const [index, { file, leg }] of bad.entries()) lay(folder, file, JSON.stringify(bodies[index]), leg.endedAt);
    const place = createJsonCdrRecords({ name: 'x', folders: [folder], source: SOURCE });
    const { calls } = await told(place, spanOfLegs([...good, ...bad]));
    return calls.some(({ callSessionId }) => good.some(({ leg }) => callSessionId.endsWith(leg.channel)));
  });
  await t.resolves(fc.assert(property, { numRuns: 100 }));
});

t.test('lines of mod_cdr_csv', async (t) => {
  const folder = temporary(t);
  const { to } = spanOfLegs(good);
  const lines = bytesOf(scenario, 'cdr.csv.gz').toString().trimEnd().split('\n');
  const last = bytesOf(scenarioOf('freeswitch-1.11', 'in_answered_caller_hangup'), 'cdr.csv.gz');
  const field = fc.oneof(
    fc.string(),
    fc.constantFrom('"', '","', '1970-01-01 00:00:00', '9999-12-31 23:59:59', '-1', '\\'),
  );
  const change = fc.record({ line: fc.nat(lines.length - 1), field: fc.nat(14), by: field, cut: fc.boolean() });
  const property = fc.asyncProperty(fc.array(change, { maxLength: 4 }), async (list) => {
    const changed = [...lines];
    for (const { line, field, by, cut } of list) {
      const fields = (changed[line] ?? '').split('","');
      fields[field] = by;
      changed[line] = cut ? fields.join('","').slice(0, 40) : fields.join('","');
    }
    const file = lay(folder, 'Master.csv', `${changed.join('\n')}\n`, to);
    appendFileSync(file, last);
    const place = createCsvRecords({ name: 'x', file, source: SOURCE, timeZone: 'UTC', now: () => to + 3_600_000 });
    const { calls } = await told(place, { from: to - 3_600_000, to: to + 3_600_000 });
    return calls.some(({ callSessionId }) => good.some(({ leg }) => callSessionId.endsWith(leg.channel)));
  });
  await t.resolves(fc.assert(property, { numRuns: 100 }));
});
