/** Local times without a zone. */
import t from 'tap';
import { localTimes } from '../../../../adapters/freeswitch/records/csv/local-time.ts';

const iso = (zone: string | null, text: string) =>
  localTimes(zone)
    .read(text)
    .map((at) => new Date(at).toISOString().slice(0, 19));

t.test('a time is read in its zone', async (t) => {
  t.strictSame(iso('Asia/Kolkata', '2026-11-22 16:08:34'), ['2026-11-22T10:38:34']);
  t.strictSame(iso('UTC', '2026-11-22 10:38:34'), ['2026-11-22T10:38:34']);
  t.strictSame(iso('America/New_York', '2026-07-01 00:00:00'), ['2026-07-01T04:00:00']);
  t.strictSame(iso('Asia/Kathmandu', '2026-01-01 05:45:00'), ['2026-01-01T00:00:00']);
});

t.test('an hour that comes twice, and one that does not come', async (t) => {
  t.strictSame(iso('Europe/Berlin', '2026-10-25 02:30:00'), ['2026-10-25T00:30:00', '2026-10-25T01:30:00']);
  t.strictSame(iso('Europe/Berlin', '2026-10-25 01:59:59'), ['2026-10-24T23:59:59']);
  t.strictSame(iso('Europe/Berlin', '2026-10-25 03:00:00'), ['2026-10-25T02:00:00']);
  t.strictSame(iso('Europe/Berlin', '2026-03-29 02:30:00'), ['2026-03-29T01:30:00'], 'as if clocks had not been set');
  t.strictSame(iso('Australia/Lord_Howe', '2026-04-05 01:45:00').length, 2, 'half an hour');
});

t.test('what is no time', async (t) => {
  for (const text of ['', '2026-13-01 00:00:00', '2026-02-30 00:00:00', '2026-11-22', 'x'])
    t.same(iso('UTC', text), [], text);
  t.throws(() => localTimes('Mars/Olympus'), { name: 'RangeError' });
});

t.test("without a zone this machine's is meant", async (t) => {
  const local = new Date(2026, 4, 5, 6, 7, 8);
  t.strictSame(localTimes(null).read('2026-05-05 06:07:08'), [local.getTime()]);
});
