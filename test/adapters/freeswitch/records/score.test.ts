/**
 * Each recording as if it lay wholly in a gap: what its records alone tell, against what the telephones saw. `SCORE=1` prints the table and
 * the calls that are not right.
 */
import { existsSync } from 'node:fs';
import t from 'tap';
import { COLUMNS } from '../../../../adapters/freeswitch/records/fusionpbx-row.ts';
import {
  createCsvRecords,
  createFusionPbxRecords,
  createJsonCdrRecords,
} from '../../../../adapters/freeswitch/records/index.ts';
import type { CallRecords } from '../../../../src/records/port.ts';
import { bytesOf } from '../../../support/cdr.ts';
import { type Scenario, scenarios } from '../../../support/recordings.ts';
import { bestLine, withoutCalled } from './csv-rows.ts';
import { fakePg, rowOf } from './fusionpbx-rows.ts';
import { emptyScore, FIELDS, type Field, lineOf, type Score, scoreEvents, UNRECORDED } from './score.ts';
import { bodiesOf, lay, type RecordedBody, SOURCE, spanOfLegs, temporary, told } from './support.ts';

const PLAIN = [...COLUMNS, 'extension_uuid'].map((name) => `v_xml_cdr.${name}`);
const JOINED = [...PLAIN, 'v_extensions.extension', 'v_extensions.extension_uuid'];
const WHOLE = [...JOINED, 'v_xml_cdr_json.xml_cdr_uuid', 'v_xml_cdr_json.json'];

type Place = (scenario: Scenario, bodies: readonly RecordedBody[], folder: string) => CallRecords;

const json =
  (wanted: (body: RecordedBody) => boolean): Place =>
  (_scenario, bodies, folder) => {
    for (const { file, bytes, leg } of bodies.filter(wanted)) lay(folder, file, bytes, leg.endedAt);
    return createJsonCdrRecords({ name: 'json', folders: [folder], source: SOURCE });
  };
const fusion =
  (columns: readonly string[]): Place =>
  (_scenario, bodies) => {
    const rows = bodies.filter(({ leg }) => !leg.called).map(rowOf);
    return createFusionPbxRecords({ name: 'pg', query: fakePg(rows, columns).query, source: SOURCE });
  };
const csv =
  (content: (scenario: Scenario, bodies: readonly RecordedBody[]) => Uint8Array | string): Place =>
  (scenario, bodies, folder) => {
    const file = lay(folder, 'Master.csv', content(scenario, bodies), spanOfLegs(bodies).to + 1000);
    return createCsvRecords({ name: file, file, source: SOURCE, timeZone: 'UTC' });
  };

/** The fewest right, of 112 calls: what is lost by a change is to be explained. */
interface Floor {
  readonly right: number;
  readonly missing: number;
  readonly extra: number;
  readonly fields: Readonly<Partial<Record<Field, number>>>;
}

/** All fields at least so often, but for those named. */
const floor = (right: number, least: number, fields: Floor['fields'] = {}, missing = 0, extra = 0): Floor => ({
  right,
  missing,
  extra,
  fields: { ...Object.fromEntries(FIELDS.map((field) => [field, least])), ...fields },
});

const PLACES: readonly (readonly [name: string, place: Place, floor: Floor])[] = [
  ['json_cdr, all legs', json(() => true), floor(110, 112, { recording: 110 })],
  ['json_cdr, without called legs', json(({ leg }) => !leg.called), floor(108, 112, { rung: 110, recording: 110 })],
  ['FusionPBX as shipped', fusion(WHOLE), floor(108, 112, { rung: 110, recording: 110 })],
  ['FusionPBX, columns alone', fusion(JOINED), floor(75, 97, { rung: 87 }, 3, 7)],
  [
    "CSV, this program's template",
    csv((_, bodies) => bodies.map(bestLine).join('')),
    floor(96, 111, { recording: 97 }),
  ],
  [
    'CSV, template "example", legs ab',
    csv((scenario) => bytesOf(scenario, 'cdr.csv.gz')),
    floor(33, 91, { did: 57 }, 3, 8),
  ],
  ['CSV, template "example", legs a', csv(withoutCalled), floor(17, 84, { did: 57, rung: 72 }, 6, 5)],
];

const recorded = scenarios().filter(
  ({ pbx, name, directory }) =>
    pbx === 'freeswitch' && !UNRECORDED.test(name) && existsSync(new URL('json_cdr.jsonl.gz', directory)),
);

for (const [name, place, least] of PLACES) {
  t.test(name, async (t) => {
    const score: Score = emptyScore();
    for (const scenario of recorded) {
      const bodies = bodiesOf(scenario);
      const { from, to } = spanOfLegs(bodies);
      const folder = temporary(t);
      const { pages } = await told(place(scenario, bodies, folder), { from: from - 2000, to: to + 2000 });
      scoreEvents(
        score,
        scenario,
        pages.flatMap(({ events }) => events),
      );
    }
    if (process.env.SCORE !== undefined) t.comment([lineOf(name, score), ...score.problems].join('\n'));
    t.ok(score.right >= least.right, `${score.right} of ${score.calls} calls are right`);
    t.ok(score.missing <= least.missing, `${score.missing} are missing`);
    t.ok(score.extra <= least.extra, `${score.extra} more`);
    for (const field of FIELDS)
      t.ok(score.fields[field] >= (least.fields[field] ?? 0), `${field}: ${score.fields[field]}`);
  });
}
