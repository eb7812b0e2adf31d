/** Files of mod_json_cdr alone, against what the telephones saw. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { callsOfCdr } from '../../../../src/call/cdr/calls.ts';
import { DEFAULT_RULES } from '../../../../src/call/correlate.ts';
import { bytesOf, cdrOf, differences, eventsOf, recordFor, scenarioOf } from '../../../support/cdr.ts';
import { labPlan, scenarios } from '../../../support/recordings.ts';

const FILE = 'json_cdr.jsonl.gz';

/** What truth.json says and the recording contradicts: it counts from the first INVITE, which the PBX challenged. */
const DISPUTED: Readonly<Record<string, readonly string[]>> = { out_cancelled: ['start'] };

for (const scenario of scenarios().filter(({ pbx }) => pbx === 'freeswitch')) {
  // Without a goodbye FreeSWITCH writes no file.
  if (!existsSync(new URL(FILE, scenario.directory)) || /crash|shutdown_now/.test(scenario.name)) continue;
  t.test(`${scenario.set}/${scenario.name}`, async (t) => {
    const records = cdrOf(scenario, FILE).map(({ record }) => record);
    for (const truth of scenario.truth) {
      const record = recordFor(truth, records, scenario.startedAt);
      const wrong = differences(truth, record, scenario, 1000);
      const excused = DISPUTED[scenario.name] ?? [];
      t.same(
        wrong.filter((field) => !excused.includes(field)),
        [],
        `${truth.direction} ${truth.external}`,
      );
    }
    const external = (list: readonly { direction: string }[]) => list.filter((one) => one.direction !== 'Internal');
    t.equal(external(records).length, external(scenario.truth).length, 'no call more');
  });
}

const lines = (name: string): string[] =>
  bytesOf(scenarioOf('freeswitch-1.11', name), FILE).toString().trimEnd().split('\n');
const bodies = (name: string): Buffer[] =>
  lines(name).map((line) => {
    const value: unknown = JSON.parse(line);
    const packed = typeof value === 'object' && value !== null && 'bodyBase64' in value ? value.bodyBase64 : '';
    return Buffer.from(typeof packed === 'string' ? packed : '', 'base64');
  });
const records = (content: Uint8Array | string) =>
  callsOfCdr(eventsOf('freeswitch', content), 'freeswitch', labPlan('freeswitch'), DEFAULT_RULES);

t.test('ids are those that events give', async (t) => {
  const calls = cdrOf(scenarioOf('freeswitch-1.11', 'esl_reconnect_midcall'), FILE);
  const lost = calls.find(({ record }) => record.external === '+14155550123');
  t.equal(lost?.record.callSessionId, 'freeswitch-f4e9b0fb-3e77-425c-ba8b-0d0f126e718f');
  t.ok(lost?.ids.has('650f3220-86e9-498e-a97c-b4feda165e03'), 'the leg of the phone');
  // Both legs were created in the same moment, and the file of the second comes first.
  t.equal(
    cdrOf(scenarioOf('freeswitch-1.11', 'internal'), FILE)[0]?.record.callSessionId,
    'freeswitch-a025514b-ca8f-459a-bb4d-e3c66237f8f8',
  );
});

t.test('a file as FreeSWITCH writes it, one body a line, and a leg that comes twice', async (t) => {
  const name = 'queue_answered';
  const packed = records(lines(name).join('\n'));
  const plain = bodies(name).map((body) => JSON.stringify(JSON.parse(body.toString())));
  t.strictSame(records(plain.join('\n')), packed);
  t.strictSame(records([...plain, ...plain].join('\n')), packed);
  const [single = Buffer.alloc(0)] = bodies(name);
  t.equal(records(single).length, 1, 'one file with many lines is one leg');
  t.same(records(''), []);
});

t.test('a leg of staggered ringing that was never called has a file, but was not rung', async (t) => {
  const leg = (uuid: string, name: string, more: Readonly<Record<string, string>>) => {
    const times = {
      start_uepoch: '1795624811050595',
      answer_uepoch: '0',
      bridge_uepoch: '0',
      end_uepoch: '1795624815050595',
    };
    const profile = { caller_id_number: '+919845012345', destination_number: more.dialed_user ?? '+918041110001' };
    return JSON.stringify({
      variables: { uuid, channel_name: name, hangup_cause: 'ORIGINATOR_CANCEL', ...times, ...more },
      callflow: [{ caller_profile: profile }],
    });
  };
  const rung = (ext: string) => ({ direction: 'outbound', originating_leg_uuid: 'A', dialed_user: ext });
  const address = (ext: string) => ({ sip_destination_url: `sip:${ext}@127.0.0.1:5102` });
  const files = [
    leg('A', 'sofia/external/+919845012345@carrier.lab', { direction: 'inbound', sip_req_user: '+918041110001' }),
    leg('B', 'sofia/internal/1001@127.0.0.1:5101', {
      ...rung('1001'),
      ...address('1001'),
      sip_outgoing_contact_uri: '<sip:mod_sofia@127.0.0.1:5060>',
    }),
    leg('C', 'sofia/internal/1002@127.0.0.1:5102', { ...rung('1002'), ...address('1002') }),
  ];
  t.match(records(files.join('\n')), [{ record: { agentsRung: ['1001'], legs: 2 } }]);
});

t.test('encoded values and plain ones tell the same', async (t) => {
  for (const name of ['att_xfer_feature', 'in_noanswer_voicemail', 'names_utf8']) {
    const plain = bodies(name).map((bytes) => {
      const body = JSON.parse(bytes.toString());
      const decoded = Object.entries<string>(body.variables).map(([key, value]) => {
        const latin1 = value.replace(/%([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
        return [key, Buffer.from(latin1, 'latin1').toString()];
      });
      return JSON.stringify({ ...body, variables: Object.fromEntries(decoded) });
    });
    t.strictSame(records(plain.join('\n')), records(lines(name).join('\n')), name);
  }
});

t.test('legs of another time are left out', async (t) => {
  const content = lines('esl_reconnect_midcall').join('\n');
  const at = Date.parse('2026-11-22T10:53:57Z');
  t.equal(eventsOf('freeswitch', content, { from: 0, to: 1 }).length, 0);
  const channels = eventsOf('freeswitch', content, { from: at, to: at }).filter(
    ({ kind }) => kind === 'channel-created',
  );
  t.equal(channels.length, 4, 'two calls of two legs');
});

t.test('what is no file of mod_json_cdr is named with its place and a remedy', async (t) => {
  const said = (content: string): string => {
    try {
      eventsOf('freeswitch', content);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    return 'nothing';
  };
  const [first = '', second = ''] = lines('queue_answered');
  t.match(said('"a","b"\n'), /^cdr: line 1: is not JSON; for FreeSWITCH give the files of mod_json_cdr/);
  t.match(
    said(`${first}\n${second.slice(0, 300)}`),
    /^cdr: line 2: is not valid JSON; was the file cut off\? Copy it again/,
  );
  t.match(said(`${first}\n{"file":"a","bodyBase64":"eyJ2"}`), /^cdr: line 2: its "bodyBase64" holds no valid JSON/);
  t.match(said('{"capture":1,"pbx":"freeswitch"}'), /^cdr: is JSON without "variables" and their "uuid"/);
  t.match(said('{"variables":{"uuid":"a"}}'), /^cdr: has no uuid, start_uepoch or end_uepoch/);
});

t.test('lines of mod_cdr_csv tell what they hold', async (t) => {
  // Times of the template that FreeSWITCH ships are local: here those of this machine, whatever its zone.
  t.match(records(bytesOf(scenarioOf('freeswitch-1.11', 'queue_answered'), 'cdr.csv.gz')), [
    { record: { direction: 'Inbound', status: 'Answered', agent: '1006', did: '+918041110006' } },
  ]);
  const scenario = scenarioOf('freeswitch-1.11', 'cdr_csv_proposed_template');
  const calls = records(bytesOf(scenario, 'cdr.csv.gz'));
  t.equal(calls.length, 8);
  t.ok(calls.every(({ record }) => Math.abs(record.startedAt - scenario.startedAt) < 120_000));
});
