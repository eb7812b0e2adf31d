/**
 * A database of each version that there was, opened by the present program: nothing is lost, calls that were going on are finished,
 * and what was due is posted once. How they are made: `test/fixtures/databases/make.ts`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import t from 'tap';
import { AmiPlayer } from '../../adapters/asterisk/player/player.ts';
import { EslPlayer } from '../../adapters/freeswitch/player/player.ts';
import { createClock } from '../../adapters/host/clock.ts';
import { startSandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { keptFrames } from '../../adapters/sqlite/journal/events.ts';
import { openDatabase } from '../../adapters/sqlite/thread/database.ts';
import { loadMigrations } from '../../adapters/sqlite/thread/migrate.ts';
import { parseConfig } from '../../config/load.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { Secret } from '../../src/secret.ts';
import { newSchema, schemaOf, versions } from '../fixtures/databases/schema.ts';
import { CANARY, installation, sandboxUsers } from '../support/daemon.ts';
import { shortFolder } from '../support/folder.ts';

const FOLDER = new URL('../fixtures/databases/', import.meta.url);
const unpacked = (name: string): Buffer => gunzipSync(readFileSync(new URL(`${name}.gz`, FOLDER)));
/** Where nobody calls. */
const IDLE = new URL('../fixtures/recordings/freeswitch-1.11/idle_45s/events.jsonl.gz', import.meta.url).pathname;
const HOUR_MS = 3_600_000;
const SETTLED: ReadonlySet<string> = new Set(['call-logged', 'call-skipped', 'call-parked']);
const DUE = /pending|retrying|sending|uncertain/;

t.setTimeout(120_000);
// They wait for what is tried again.
t.jobs = versions.length;

/** What the program of then had stored. */
function stored(path: string) {
  const db = new Database(path, { readonly: true });
  const schema = Number(db.pragma('user_version', { simple: true }));
  const number = (sql: string): number => Number(db.prepare(sql).pluck().get());
  const rows = <T>(sql: string): T[] => db.prepare<[], T>(sql).all();
  const found = {
    schema,
    text: schemaOf(db),
    calls: rows<{ id: string; json: string }>('SELECT call_session_id AS id, json FROM session ORDER BY id'),
    deliveries: rows<{ id: string; state: string }>('SELECT session_id AS id, state FROM delivery ORDER BY id'),
    attempts: number(`SELECT count(*) FROM attempt`),
    open: rows<{ source: string }>('SELECT DISTINCT source FROM open_channel').length,
    frames: number(
      schema < 5
        ? 'SELECT count(*) FROM frame'
        : 'SELECT (SELECT coalesce(sum(frames), 0) FROM segment) + (SELECT coalesce(sum(frames), 0) FROM hot_segment)',
    ),
    gaps:
      schema < 7
        ? []
        : rows<{ source: string; ended_at: number | null }>(
            'SELECT id, source, began_at, ended_at, reason, live FROM gap ORDER BY id',
          ),
    at: number('SELECT max(updated_at) FROM delivery'),
    whole: db.pragma('integrity_check', { simple: true }),
  };
  db.close();
  return found;
}

/** An hour later: nothing comes from the PBXs, and LeadSquared has what it had. */
async function world(path: string, crm: Buffer, madeAt: number) {
  const behind = Date.now() - madeAt - HOUR_MS;
  const now = () => Date.now() - behind;
  const timer = (ms: number, run: () => void) => {
    const one = setTimeout(run, ms);
    return () => clearTimeout(one);
  };
  const monotonic = () => performance.now();
  const clock = createClock({ machine: { wall: now, monotonic, sinceBoot: monotonic, after: timer }, bootId: 'later' });
  const ledgerFile = `${path}.crm`;
  writeFileSync(ledgerFile, crm);
  const sandbox = await startSandbox({
    ...{ users: sandboxUsers, windowMs: 1000, ledgerFile },
    clock: { now, monotonic, after: timer },
  });
  const asterisk = new AmiPlayer({ captures: [], username: 'test', secret: CANARY, settleMs: 1 });
  const freeswitch = new EslPlayer({ file: IDLE, password: CANARY, graceMs: 1 });
  const place = await installation(
    { asterisk: await asterisk.listen(), freeswitch: await freeswitch.listen() },
    sandbox,
  );
  const config = parseConfig(
    readFileSync(place.config, 'utf8').replace(/^path = .*$/m, `path = '${path}'`),
    place.config,
  );
  const told = new Map<string, string>();
  const ended: string[] = [];
  const settled = Promise.withResolvers<void>();
  /** Calls that are to be settled, and calls that are to end. */
  const wanted = { ids: new Set<string>(), ended: 0 };
  const look = (): void => {
    const all = [...wanted.ids, ...ended];
    if (ended.length >= wanted.ended && all.every((id) => told.has(id))) settled.resolve();
  };
  const log = {
    write(_level: string, event: string, _text: string, fields: Readonly<Record<string, unknown>> = {}): void {
      if (SETTLED.has(event)) told.set(String(fields.call), event);
      look();
    },
  };
  return {
    sandbox,
    /** Resolves when these and as many calls that were going on are settled, and the program has ended. */
    async live(ids: ReadonlySet<string>, open: number): Promise<readonly string[]> {
      Object.assign(wanted, { ids, ended: open });
      const keys = { access: sandbox.accessKey, 'secret key': sandbox.secretKey };
      const daemon = await startDaemon({
        ...{ config, clock, log },
        readSecret: ({ what }) => new Secret(Object.entries(keys).find(([name]) => what.includes(name))?.[1] ?? CANARY),
        onFatal: (reason) => settled.reject(new Error(reason)),
        onEnded: ({ callSessionId }) => ended.push(callSessionId),
      });
      await settled.promise.finally(() => daemon.stop());
      return ended;
    },
    async end() {
      await Promise.all([asterisk.close(), freeswitch.close(), sandbox.close()]);
      await place.remove();
    },
  };
}

const schemaOfNew = newSchema();

for (const version of versions) {
  t.test(`a database of schema ${version}`, { buffered: true }, async (t) => {
    const path = join(shortFolder(t), 'logcalld.db');
    writeFileSync(path, unpacked(`schema-${version}.db`));
    const before = stored(path);
    t.equal(before.schema, version);
    t.equal(before.open, 2, 'a call of each PBX was going on');
    const due = new Set(before.deliveries.filter(({ state }) => DUE.test(state)).map(({ id }) => id));
    t.ok(due.size >= 4, 'posts without an answer, of unknown fate, to be tried again');
    const it = await world(path, unpacked(`schema-${version}.crm`), before.at);
    t.teardown(() => it.end());
    const { ledger } = it.sandbox;
    const posted = (id: string): number => ledger.bySession(id).length;
    t.ok([...due].some((id) => posted(id) === 1) && [...due].some((id) => posted(id) === 0), 'some had arrived');

    const ended = await it.live(due, before.open);
    const after = stored(path);
    t.equal(after.schema, loadMigrations().length);
    t.equal(after.whole, 'ok');
    t.equal(after.text, schemaOfNew, 'the schema of a new database');

    const calls = new Map(after.calls.map(({ id, json }) => [id, json]));
    for (const { id, json } of before.calls) t.same(JSON.parse(calls.get(id) ?? 'null'), JSON.parse(json));
    t.equal(calls.size, before.calls.length + ended.length, 'and those that were going on');
    for (const id of ended) {
      const record = JSON.parse(calls.get(id) ?? '{}');
      for (const flag of ['blind-interval', 'end-unknown']) t.ok(record.flags?.includes(flag), `${id}: ${flag}`);
    }
    const states = new Map(after.deliveries.map(({ id, state }) => [id, state]));
    for (const { id, state } of before.deliveries) {
      t.equal(states.get(id), due.has(id) ? 'delivered' : state);
      t.equal(posted(id), /parked|skipped/.test(state) ? 0 : 1, `${id} was ${state}`);
    }
    for (const id of ended) {
      t.match(states.get(id), /delivered|skipped/);
      t.equal(posted(id), states.get(id) === 'delivered' ? 1 : 0);
    }
    t.same(ledger.doubled(), []);
    t.ok(after.attempts > before.attempts);
    t.same(after.gaps.slice(0, before.gaps.length), before.gaps);
    const hour = after.gaps.slice(before.gaps.length).filter(({ ended_at }) => ended_at !== null);
    t.same(hour.map(({ source }) => source).sort(), ['asterisk', 'freeswitch'], 'nobody heard the hour');

    const database = await openDatabase(path);
    let frames = 0;
    for (const source of ['asterisk', 'freeswitch'])
      for await (const page of keptFrames(database.remote.journal, { source, from: 0 })) frames += page.length;
    await database.close();
    t.ok(frames >= before.frames && frames === after.frames, 'the journal can be read from its beginning on');
  });
}
