/** Asterisk's CDR files alone, against what the telephones saw. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { callsOfCdr } from '../../../../src/call/cdr/calls.ts';
import { DEFAULT_RULES } from '../../../../src/call/correlate.ts';
import type { CallRecord } from '../../../../src/call/record.ts';
import { bytesOf, cdrOf, differences, eventsOf, readOf, recordFor, scenarioOf, UNTOLD } from '../../../support/cdr.ts';
import { labPlan, scenarios } from '../../../support/recordings.ts';

/** Rows are in whole seconds. */
const SLACK_MS = 1300;

const recorded = scenarios().filter(({ pbx }) => pbx === 'asterisk');

for (const file of ['cdr_custom.csv.gz', 'Master.csv.gz']) {
  for (const scenario of recorded) {
    if (!existsSync(new URL(file, scenario.directory)) || scenario.name.includes('crash')) continue;
    t.test(`${scenario.set}/${scenario.name} by ${file}`, async (t) => {
      const records = cdrOf(scenario, file).map(({ record }) => record);
      for (const truth of scenario.truth) {
        if (truth.direction === 'Internal' && scenario.truth.length > 1) continue;
        const record = recordFor(truth, records, scenario.startedAt);
        const blind = UNTOLD[scenario.name] ?? [];
        // Master.csv has no column for the DID, and where the dialplan went is none.
        const wrong = differences(truth, record, scenario, SLACK_MS).filter(
          (name) => !blind.includes(name) && !(file.startsWith('Master') && name === 'did' && record?.did === null),
        );
        t.same(wrong, [], `${truth.direction} ${truth.external}`);
      }
      const external = (list: readonly { direction: string }[]) => list.filter((one) => one.direction !== 'Internal');
      t.equal(external(records).length, external(scenario.truth).length, 'no call more');
    });
  }
}

t.test('local times and UTC are told apart by the uniqueid: both files tell the same', async (t) => {
  for (const [set, name] of [
    ['asterisk-22', 'ami_reconnect'],
    ['asterisk-22', 'queue_rona'],
    ['asterisk-16', 'weird_names'],
  ] as const) {
    const scenario = scenarioOf(set, name);
    const times = (file: string) =>
      cdrOf(scenario, file).map(({ record }) => [
        record.callSessionId,
        record.startedAt,
        record.answeredAt,
        record.endedAt,
      ]);
    t.strictSame(times('cdr_custom.csv.gz'), times('Master.csv.gz'));
  }
});

/** A row of cdr_custom in the layout of the recordings. */
const row = (start: string, end: string, id: string, linkedid = id, channel = 'PJSIP/trunk-in-00000000') =>
  `"""A"" <+919845012345>","+919845012345","8041110001","dids","${channel}","PJSIP/1001-00000001","Dial","PJSIP/1001,30",` +
  `"${start}","${start}","${end}","9","9","ANSWERED","DOCUMENTATION","","","${id}","${linkedid}",1,"+918041110001",""\n`;

/** Ends of the channels, ISO. */
const ends = (text: string): string[] =>
  eventsOf('asterisk', text)
    .filter((event) => event.kind === 'cleared' && /^\d/.test(event.channel))
    .map((event) => new Date(event.at).toISOString());

t.test('the zone of each call is its own: summer time may end within a file', async (t) => {
  // Berlin on 2026-10-25: 02:30 comes twice, first at 00:30 UTC, then at 01:30 UTC.
  const first = Date.UTC(2026, 9, 25, 0, 30) / 1000;
  const text =
    row('2026-10-25 02:30:00', '2026-10-25 02:30:09', `${first}.0`) +
    row('2026-10-25 02:30:00', '2026-10-25 02:30:09', `${first + 3600}.1`);
  t.same(ends(text), ['2026-10-25T00:30:09.500Z', '2026-10-25T01:30:09.500Z']);
});

t.test('a later row of a channel does not tell the zone, even a quarter of an hour after its birth', async (t) => {
  const born = Date.UTC(2026, 10, 22, 11, 0) / 1000;
  const text =
    row('2026-11-22 16:30:00', '2026-11-22 16:45:00', `${born}.0`) +
    row('2026-11-22 16:45:00', '2026-11-22 16:50:00', `${born}.0`) +
    row('2026-11-22 16:45:01', '2026-11-22 16:46:00', `${born}.1`, `${born}.0`, 'PJSIP/1002-00000009');
  t.same(ends(text), ['2026-11-22T11:20:00.500Z', '2026-11-22T11:16:00.500Z']);
});

t.test('a call whose first row is not there takes the zone of the call nearest in time', async (t) => {
  const born = Date.UTC(2026, 10, 22, 11, 0) / 1000;
  const text =
    row('2026-11-22 16:30:10', '2026-11-22 16:30:20', `${born + 10}.5`) +
    row('2026-11-22 16:45:01', '2026-11-22 16:46:00', `${born}.1`, `${born}.0`, 'PJSIP/1002-00000009');
  t.same(ends(text), ['2026-11-22T11:00:20.500Z', '2026-11-22T11:16:00.500Z']);
});

t.test('a zone that cannot be told is said', async (t) => {
  const text = row('2026-11-22 16:37:00', '2026-11-22 16:38:00', `${Date.UTC(2026, 10, 22, 11, 0) / 1000}.0`);
  const { events, skipped } = readOf('asterisk', text);
  t.same([events, skipped.map(({ count }) => count)], [[], [1]]);
  t.match(skipped[0]?.why, /^cdr: line 1: the time zone cannot be told/);
});

t.test('names of channels begin anew with each start of the PBX: they tie no calls together', async (t) => {
  const scenario = scenarioOf('asterisk-22', 'core_restart_midcall');
  const records = cdrOf(scenario, 'cdr_custom.csv.gz').map(({ record }) => record);
  t.same(
    records.map((record) => record.external),
    ['+919845012345', '+14155550132'],
  );
});

t.test('an answer that the CDR does not tell is flagged', async (t) => {
  const flags = (name: string) =>
    cdrOf(scenarioOf('asterisk-22', name), 'cdr_custom.csv.gz').map(
      ({ record }: { record: CallRecord }) => record.flags,
    );
  t.same(flags('queue_rona'), [['answer-unknown']]);
  t.same(flags('outbound_answered'), [[]]);
  t.same(flags('inbound_noanswer_novm'), [[]]);
});

t.test('ids are those that events give: linked ids and channels', async (t) => {
  const calls = cdrOf(scenarioOf('asterisk-22', 'ami_reconnect'), 'Master.csv.gz');
  t.same(
    calls.map(({ record }) => record.callSessionId),
    ['asterisk-1795345405.1', 'asterisk-1795345408.4', 'asterisk-1795345405.0', 'asterisk-1795345410.7'],
  );
  t.ok(calls[0]?.ids.has('1795345405.1'));
});

t.test('a call of which only a later row is there keeps the ids of the whole call', async (t) => {
  const born = Date.UTC(2026, 10, 22, 11, 0) / 1000;
  const text =
    row('2026-11-22 16:30:10', '2026-11-22 16:30:20', `${born + 10}.5`) +
    row('2026-11-22 16:31:01', '2026-11-22 16:32:00', `${born}.1`, `${born}.0`, 'PJSIP/trunk-in-00000009');
  const calls = callsOfCdr(eventsOf('asterisk', text), 'asterisk', labPlan('asterisk'), DEFAULT_RULES);
  t.ok(calls[1]?.ids.has(`${born}.0`), 'the linked id');
  t.ok(calls[1]?.ids.has(`${born}.1`), 'the channel');
  t.notOk(calls[1]?.channels.has(`${born}.0`), 'of which nothing is told');
});

t.test('a channel that has no row of its own is told to be without an id', async (t) => {
  const born = Date.UTC(2026, 10, 22, 11, 0) / 1000;
  const events = eventsOf('asterisk', row('2026-11-22 16:30:00', '2026-11-22 16:30:20', `${born}.5`));
  const made = events.flatMap((event) => (event.kind === 'channel-created' ? event : []));
  t.match(made.find(({ channel }) => channel.startsWith('PJSIP/1001'))?.facts, { unnamed: true });
  t.equal(made.find(({ channel }) => channel === `${born}.5`)?.facts.unnamed, undefined);
});

t.test('bytes that are not UTF-8 are read all the same', async (t) => {
  const scenario = scenarioOf('asterisk-16', 'weird_names');
  const bytes = bytesOf(scenario, 'Master.csv.gz');
  t.notOk(Buffer.from(bytes.toString('utf8')).equals(bytes), 'the file is not UTF-8');
  t.equal(cdrOf(scenario, 'Master.csv.gz').length, scenario.truth.length);
});
