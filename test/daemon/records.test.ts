/** The running daemon fills a gap from the PBX's own records: each call is one LogCall. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { recordsReaders } from '../../adapters/index.ts';
import type { Span } from '../../src/call/cdr/coverage.ts';
import { type CallRecords, RecordsError, type RecordsPage } from '../../src/records/port.ts';
import { type Playing, settled, until, world } from '../cli/world.ts';

t.setTimeout(120_000);
// They wait for the PBX's own pace.
t.jobs = 4;

const GAP = 'ami_reconnect';
const fileOf = (name: string) => new URL(`../fixtures/recordings/asterisk-22/${GAP}/${name}.csv.gz`, import.meta.url);

const around = (a: Span, b: Span): Span => ({ from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) });

/** The rows of the ends of channels and calls are lost, or cel.conf does not name them. */
function withoutEnds(content: Buffer): Buffer {
  const lines = content.toString().split('\n');
  return Buffer.from(lines.filter((line) => !/^\d+,(?:CHAN_END|HANGUP|LINKEDID_END),/.test(line)).join('\n'));
}

/** The records of the recording, as a place; `broken`: how often it cannot be read first. */
function place(
  broken = 0,
  table: 'cdr' | 'cel' = 'cdr',
): { readonly place: CallRecords; readonly reads: () => number } {
  let reads = 0;
  return {
    reads: () => reads,
    place: {
      name: 'Master.csv',
      async *read({ from, to }): AsyncGenerator<RecordsPage> {
        reads += 1;
        if (reads <= broken) throw new RecordsError('Master.csv cannot be read: EACCES; let the group read it.');
        // As places do that first tell what began earlier.
        yield { events: [], upTo: from, skipped: [] };
        const written = gunzipSync(readFileSync(fileOf(table === 'cdr' ? 'Master' : 'cel')));
        const content = table === 'cdr' ? written : withoutEnds(written);
        const read = recordsReaders.asterisk?.([{ name: 'Master.csv', content, table }], 'asterisk', { from, to });
        yield { events: read?.events ?? [], upTo: to, skipped: read?.skipped ?? [] };
      },
      find(calls) {
        const { from, to } = calls.map(({ span }) => span).reduce(around);
        return this.read({ from, to });
      },
      check: async () => ({ problem: null, hints: [] }),
      close: async () => {},
    },
  };
}

const playing = (one: CallRecords): Playing => ({
  speed: 1,
  shiftTimes: false,
  places: new Map([['asterisk', [one]]]),
});

t.test(
  'a call that nobody heard, one cut off, one that began and one that went on through a gap: four LogCalls',
  { buffered: true },
  async (t) => {
    const { place: records } = place();
    const it = await world([GAP], {}, '', playing(records));
    t.teardown(() => it.end());
    await it.start();
    await settled(it, 4);
    const bodies = it.sandbox.ledger.calls().map(({ body }) => body);
    t.equal(bodies.length, 4);
    t.strictSame(it.sandbox.ledger.doubled(), []);
    const of = (end: string) => bodies.find((body) => `${body.SourceNumber} ${body.DestinationNumber}`.includes(end));
    // 2.0 s at the telephones; records count whole seconds.
    t.match(
      of('9845012345'),
      { Direction: 'Inbound', Status: 'Answered', CallDuration: /^[23]$/ },
      'its end was not heard',
    );
    t.match(of('501234567'), { Direction: 'Inbound', Status: 'Answered' });
    t.match(of('4155550132'), { Direction: 'Outbound', Status: 'Answered' }, 'nobody heard it');
    t.match(of('2079460958'), { Direction: 'Inbound', Status: 'Answered' }, 'its beginning was not heard');

    const { out } = await it.run('gaps');
    t.match(out, /asterisk not heard for .*; 2 calls were going on; .*: 1 call that nobody heard, 2 calls completed/);
    const withCalls = (await it.run('gaps', '--calls')).out;
    t.match(withCalls, /Outbound Answered .* nobody heard it: from the PBX's own record/);
    t.match(withCalls, /Inbound Answered .* went on through it/);
    t.match(withCalls, /Inbound Answered .* completed by the PBX's own record/);
    t.match((await it.run('status')).out, /last gap of asterisk: .*1 call that nobody heard/);
    const calls = await it.run('calls', '--json');
    const found = calls.out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).record);
    const cutOff = found.find(
      ({ did, flags }) => did?.endsWith('0001') && flags.includes('from-cdr') && flags.includes('blind-interval'),
    );
    t.match((await it.run('calls', 'show', cutOff.callSessionId)).out, /not heard +.* from .* on; /);
    t.notOk(found.some(({ flags }) => flags.includes('end-unknown')));
  },
);

t.test(
  'channel events without the rows of ends: what the list after the gap lacks is over',
  { buffered: true },
  async (t) => {
    const it = await world([GAP], {}, '', { ...playing(place(0, 'cel').place), breaksLast: true });
    t.teardown(() => it.end());
    await it.start();
    await settled(it, 4);
    t.equal(it.sandbox.ledger.calls().length, 4);
    t.strictSame(it.sandbox.ledger.doubled(), []);
    const found = (await it.run('calls', '--json', '--numbers')).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).record);
    const of = (number: string) => found.find(({ external }) => external.endsWith(number));
    const [gap] = (await it.run('gaps', '--json')).out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const [number, direction, talked] of [
      ['9845012345', 'Inbound', 2],
      ['4155550132', 'Outbound', 1],
    ] as const) {
      const { endedAt, endBetween, flags, ...call } = of(number);
      t.match(call, { direction, status: 'Answered' });
      t.ok(Math.abs(call.talkSeconds - talked) <= 1, `${call.talkSeconds} s`);
      t.ok(flags.includes('end-unknown') && flags.includes('from-cdr'), 'nothing is made up');
      t.equal(endBetween.from, endedAt, 'the last proof of its life');
      t.ok(endBetween.from > gap.beganAt && endBetween.from < endBetween.to && endBetween.to <= gap.endedAt);
    }
    t.match(of('501234567'), { status: 'Answered', endBetween: null }, 'it lived when the PBX was heard again');
    t.match(of('2079460958'), { status: 'Answered', endBetween: null });
    t.notOk(of('2079460958').flags.includes('start-unknown'), 'its beginning is in the records');
    t.match((await it.run('gaps')).out, /1 call that nobody heard, 2 calls completed/);

    // The records of an erased call stay with the PBX, and are not taken in by a later life of the program either.
    t.match((await it.run('erase', '--number', '+14155550132')).out, /Erased: 1 call /);
    await it.stop();
    await it.start();
    const words = ['backfill', '--source', 'asterisk', '--since', '1h'];
    t.match(
      (await it.run(...words, '--dry-run')).error,
      /1 call left out, as the number was erased.\n0 calls that nobody heard/,
    );
    t.match((await it.run(...words)).error, /^1 call left out, as the number was erased.\n0 calls that nobody heard/);
    t.equal((await it.run('calls', '--json')).out.trim().split('\n').length, 3);
  },
);

t.test('records that cannot be read are told, tried again, and then taken', { buffered: true }, async (t) => {
  const { place: records, reads } = place(1);
  const it = await world([GAP], {}, '', playing(records));
  t.teardown(() => it.end());
  await it.start();
  const told = () => it.daemon().conditions.raised();
  await until(told, (raised) => raised.some(({ code }) => code === 'records-unreadable'));
  t.match(told(), [{ severity: 'error', source: 'asterisk', text: /EACCES/ }]);
  await settled(it, 4);
  t.ok(reads() > 1);
  t.notOk(told().some(({ code }) => code === 'records-unreadable'));
  t.equal(it.sandbox.ledger.calls().length, 4);
});

t.test('by hand: nothing is stored in a dry run, and nothing is doubled', { buffered: true }, async (t) => {
  const it = await world([GAP], {}, '', playing(place().place));
  t.teardown(() => it.end());
  await it.start();
  await settled(it, 4);
  const words = ['backfill', '--source', 'asterisk', '--since', '1h'];
  const dry = await it.run(...words, '--dry-run');
  t.match(dry.error, /0 calls that nobody heard, 0 completed. Nothing was stored/);
  t.equal(dry.code, 0);
  await it.run(...words);
  t.equal(it.sandbox.ledger.calls().length, 4);
  t.match((await it.run('backfill', '--source', 'other', '--since', '1h')).error, /no source "other"/);
});

t.test('by hand: calls that were removed for their age do not come again', { buffered: true }, async (t) => {
  const it = await world([GAP], {}, "retention = { calls = '7d' }", playing(place().place));
  t.teardown(() => it.end());
  await it.start();
  await settled(it, 4);
  const run = (...more: string[]) => it.run('backfill', '--source', 'asterisk', '--dry-run', ...more);
  t.match(
    (await run('--since', '10d')).error,
    /^Calls that ended before .* are kept no longer \(\[storage\] retention\.calls\), so nothing before was filled\./,
  );
  t.match((await run('--since', '10d', '--until', '8d')).error, /that time: calls of then are kept no longer/);
  t.notMatch((await run('--since', '1h')).error, /kept no longer/);
});

t.test('by hand after records were named: what nobody heard is logged then', { buffered: true }, async (t) => {
  const it = await world([GAP], {}, '', { speed: 1, shiftTimes: false, breaksLast: true });
  t.teardown(() => it.end());
  await it.start();
  await settled(it, 3);
  await until(
    async () => (await it.run('gaps')).out,
    (out) => /no \[\[source\.records\]\] is set for this PBX/.test(out),
  );
  t.match(
    (await it.run('backfill', '--source', 'asterisk', '--since', '1h')).error,
    /No \[\[source\.records\]\] is set/,
  );
  await it.stop();
  it.places = new Map([['asterisk', [place().place]]]);
  await it.start();
  const dry = await it.run('backfill', '--source', 'asterisk', '--since', '1h', '--dry-run');
  t.match(dry.out, /^new .*Outbound/m);
  t.equal(it.sandbox.ledger.calls().length, 3);
  t.match((await it.run('backfill', '--source', 'asterisk', '--since', '1h')).error, /1 call that nobody heard/);
  await until(
    () => it.sandbox.ledger.calls(),
    (calls) => calls.length === 4,
  );
  t.match((await it.run('gaps', '--since', '1h')).out, /1 call that nobody heard.*; by hand/);
});
