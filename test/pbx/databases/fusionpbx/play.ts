/** The records of a FusionPBX, read from a real PostgreSQL as a user's config names them, and held against what the telephones saw. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRecords } from '../../../../adapters/index.ts';
import { parseConfig } from '../../../../config/load.ts';
import { type CallRecords, RecordsError } from '../../../../src/records/port.ts';
import { type CallEvent, channelOf } from '../../../../src/telephony/call-event.ts';
import { emptyScore, lineOf, scoreEvents } from '../../../adapters/freeswitch/records/score.ts';
import { spanOfLegs } from '../../../adapters/freeswitch/records/support.ts';
import { messageOf } from '../../report.ts';
import type { DatabaseServer } from '../server.ts';
import { READER } from '../tables.ts';
import { DATABASE, fillFusionPbx, type Recorded, recordings } from './fill.ts';

interface StoryRow {
  readonly story: string;
  readonly run: () => Promise<readonly string[]>;
}

/** Of 112 calls: as many as from the stand-in of the tests that need no server. */
const RIGHT = { whole: 108, columns: 75 } as const;

/** `server` knows the role of the reader. The last of the rows kill it and start it again. */
export function fusionRows(server: DatabaseServer): readonly StoryRow[] {
  const recorded = recordings();
  const row = (story: string, run: StoryRow['run']): StoryRow => ({ story: `FusionPBX: ${story}`, run });
  const admin = (sql: string) => server.admin(sql, DATABASE);
  const scored = async (right: number): Promise<readonly string[]> => {
    const place = await open(server);
    const score = emptyScore();
    for (const { scenario, bodies } of recorded) {
      scoreEvents(score, scenario, await eventsOf(place, { scenario, bodies }));
    }
    await place.close();
    return score.right >= right ? [] : [`not ${right}: ${lineOf('read', score)}`, ...score.problems];
  };
  const refused = (story: string, wanted: RegExp, changed: Changed, before = '', after = ''): StoryRow =>
    row(story, async () => {
      if (before !== '') await admin(before);
      const place = await open(server, changed);
      const error = await readAll(place).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      const { problem } = await place.check();
      await place.close();
      if (after !== '') await admin(after);
      if (!(error instanceof RecordsError))
        return [`no RecordsError: ${error === null ? 'it was read' : messageOf(error)}`];
      const said = [error.message, problem ?? 'nothing'];
      return said.every((text) => wanted.test(text)) ? [] : [`it said: ${said.join(' | ')}`];
    });

  return [
    row('the recorded calls, records in a table of their own', async () => {
      await fillFusionPbx(server, recorded);
      const place = await open(server);
      const { problem, hints } = await place.check();
      await place.close();
      const told = hints.filter((hint) => !hint.startsWith('Legs that are called have no rows'));
      return [...(problem === null ? [] : [problem]), ...told, ...(await scored(RIGHT.whole))];
    }),
    row('one tenant of two', async () => {
      await admin(`UPDATE v_xml_cdr SET domain_name = 'other.example' WHERE direction = 'outbound';`);
      const [all, other] = [await open(server), await open(server, { domain: 'other.example' })];
      const [calls, some] = [await readAll(all), await readAll(other)];
      await Promise.all([all.close(), other.close()]);
      await admin(`UPDATE v_xml_cdr SET domain_name = 'pbx.lab';`);
      return some.channels > 0 && some.channels < calls.channels ? [] : [`${some.channels} of ${calls.channels} legs`];
    }),
    refused('a wrong password', /was not let in/, { password: 'another' }),
    refused('a database that is not there', /there is no database nowhere/, { database: 'nowhere' }),
    refused('another database than that of FusionPBX', /has no table v_xml_cdr; name the database/, {
      database: 'postgres',
    }),
    refused(
      'no right to the whole records',
      /may not be read; .*GRANT SELECT ON v_xml_cdr, v_xml_cdr_json, v_extensions/,
      {},
      'REVOKE SELECT ON v_xml_cdr_json FROM logcalld;',
      'GRANT SELECT ON v_xml_cdr_json TO logcalld;',
    ),
    refused(
      'no right to anything',
      /may not be read; .*GRANT SELECT/,
      {},
      'REVOKE SELECT ON v_xml_cdr, v_xml_cdr_json, v_extensions FROM logcalld;',
      'GRANT SELECT ON v_xml_cdr, v_xml_cdr_json, v_extensions TO logcalld;',
    ),
    row('the server is killed between two pages: read on from there, nothing is lost', () => killed(server)),
    row('records in a column of the row, as before', async () => {
      await admin(
        'UPDATE v_xml_cdr c SET json = j.json FROM v_xml_cdr_json j WHERE j.xml_cdr_uuid = c.xml_cdr_uuid; DROP TABLE v_xml_cdr_json;',
      );
      return scored(RIGHT.whole);
    }),
    row('columns alone', async () => {
      await admin('UPDATE v_xml_cdr SET json = NULL;');
      return scored(RIGHT.columns);
    }),
  ];
}

interface Changed {
  readonly password?: string;
  readonly database?: string;
  readonly domain?: string;
}

/** As a user's config has it. */
async function open(
  server: DatabaseServer,
  { password = READER.password, database = DATABASE, domain }: Changed = {},
): Promise<CallRecords> {
  const file = join(server.folder, `password-${password}`);
  await writeFile(file, password, { mode: 0o600 });
  const text = [
    '[[source]]',
    'type = "freeswitch"',
    'name = "freeswitch"',
    '[[source.records]]',
    'type = "fusionpbx"',
    `port = ${server.port}`,
    `database = "${database}"`,
    `password_file = "${file}"`,
    ...(domain === undefined ? [] : [`domain = "${domain}"`]),
    '[leadsquared]',
    'host = "api-in21.leadsquared.com"',
  ].join('\n');
  const [source] = parseConfig(text, '/etc/logcalld/logcalld.toml').source;
  const [place] = source === undefined ? [] : createRecords(source, { secret: () => password });
  if (place === undefined) throw new Error('the config has no place of records');
  return place;
}

/** Of this recording alone: others were made at the same time, and lie near it in the table. */
async function eventsOf(place: CallRecords, { bodies }: Recorded): Promise<CallEvent[]> {
  const { from, to } = spanOfLegs(bodies);
  const own = new Set(bodies.flatMap(({ leg }) => leg.events.flatMap((event) => channelOf(event) ?? [])));
  const isOwn = (event: CallEvent): boolean => {
    const id = channelOf(event) ?? '';
    // Of a leg without a record there is what its caller tells, or a name made of it.
    return own.has(id) || own.has(id.split('~')[0] ?? '');
  };
  const events: CallEvent[] = [];
  for await (const page of place.read({ from: from - 1000, to: to + 1000 })) events.push(...page.events.filter(isOwn));
  return events;
}

const ALL = { from: 0, to: Date.UTC(2100, 0) };

async function readAll(place: CallRecords, span = ALL): Promise<{ channels: number; ids: ReadonlySet<string> }> {
  const ids = new Set<string>();
  for await (const { events } of place.read(span)) {
    for (const event of events) if (event.kind === 'channel-created') ids.add(event.channel);
  }
  return { channels: ids.size, ids };
}

/** More than is read ahead of a page. */
const MANY = `INSERT INTO v_xml_cdr
    (xml_cdr_uuid, accountcode, direction, caller_id_number, destination_number, start_epoch, start_stamp, end_epoch, leg)
  SELECT gen_random_uuid(), 'many', 'local', '1001', '1002', n, to_timestamp(n), n + 20, 'a'
  FROM generate_series(1704067200, 1704067200 + 3000 * 60, 60) AS n;`;

async function killed(server: DatabaseServer): Promise<readonly string[]> {
  await server.admin(MANY, DATABASE);
  const place = await open(server);
  const { ids } = await readAll(place);
  const found = new Set<string>();
  let upTo = ALL.from;
  let error: unknown = null;
  try {
    for await (const page of place.read(ALL)) {
      for (const event of page.events) if (event.kind === 'channel-created') found.add(event.channel);
      upTo = page.upTo;
      await server.kill();
    }
  } catch (thrown) {
    error = thrown;
  }
  await server.start();
  if (!(error instanceof RecordsError)) return ['all was one page, or the kill was not told'];
  for (const id of (await readAll(place, { from: upTo, to: ALL.to })).ids) found.add(id);
  await place.close();
  await server.admin("DELETE FROM v_xml_cdr WHERE accountcode = 'many';", DATABASE);
  const lost = [...ids].filter((id) => !found.has(id));
  return lost.length === 0 ? [] : [`${lost.length} of ${ids.size} legs are lost; it said: ${error.message}`];
}
