/** Records of which a part is written: of other legs before that of the caller, or without it. */
import t from 'tap';
import type { CallRecord } from '../../src/call/record.ts';
import { SAME_TIME } from '../../src/records/pbx-time.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { bytesOf, eventsOf, scenarioOf } from '../support/cdr.ts';
import { bench, recorded, START } from './support.ts';

const request = { span: null, time: SAME_TIME };
const RONA = 'pbx-1795623087.34';

/** Rows of a caller in a queue of FreePBX: 1003 lets it ring, 1004 answers. */
function queueRows(wanted: RegExp = /./): readonly CallEvent[] {
  const [head = '', ...rows] = bytesOf(scenarioOf('freepbx-17', 'queue_rona'), 'asteriskcdrdb_cdr.csv.gz')
    .toString()
    .trim()
    .split('\n');
  return eventsOf('asterisk', [head, ...rows.filter((row) => wanted.test(row))].join('\n'));
}

/** The row of one attempt is written when that ends, long before those of the caller. */
const ATTEMPT = /,1795623087\.36,/;

async function whole(events: readonly CallEvent[], id: string): Promise<CallRecord> {
  const { merge } = bench();
  const { created } = await merge(events, { span: { from: 0, to: Date.UTC(2030, 0) }, time: SAME_TIME });
  const record = created.find(({ callSessionId }) => callSessionId === id);
  if (record === undefined) throw new Error(`no ${id}`);
  return record;
}

/** As it was heard to `ms` after its beginning, when the link was lost; it was over `ms + 5000` after it. */
function cutOff(record: CallRecord, ms: number, more: Partial<CallRecord> = {}): CallRecord {
  const at = record.startedAt + ms;
  const flags = ['blind-interval', 'end-unknown'];
  return { ...record, endedAt: at, endBetween: { from: at, to: at + 5000 }, flags, ...more };
}

t.test('the row of an attempt in a queue is not the record of the call', async (t) => {
  const known = cutOff(await whole(queueRows(), RONA), 300_000, { agent: '1004' });
  const { merge, stored } = bench();
  stored.set(RONA, known);
  const early = await merge(queueRows(ATTEMPT), request);
  t.strictSame(early.completed, []);
  t.notOk(early.recorded.includes(RONA), 'it waits');
  t.equal(stored.get(RONA), known);
});

t.test('answered and gone within the gap, of which the first batch tells only the attempt before', async (t) => {
  const all = await whole(queueRows(), RONA);
  const ringing = { answeredAt: null, agent: null, agentsTalked: [], status: 'Missed', durationSeconds: 0 } as const;
  const known = cutOff(all, 3000, ringing);
  const { merge, stored } = bench();
  stored.set(RONA, known);
  const early = await merge(queueRows(ATTEMPT), request);
  t.strictSame(early.completed, []);
  t.notOk(early.recorded.includes(RONA));
  t.equal(stored.get(RONA), known);
  const late = await merge(queueRows(), request);
  t.match(late.completed, [{ status: 'Answered', agent: '1004', endedAt: all.endedAt }]);
  t.notOk(late.completed[0]?.flags.includes('end-unknown'));
  t.ok(late.recorded.includes(RONA), 'it waits no longer');
});

t.test('a record that ends before the call was last known to live', async (t) => {
  const all = await whole(recorded('a', 5000), 'pbx-a');
  const { merge, stored } = bench();
  const known = cutOff(all, 60_000);
  stored.set('pbx-a', known);
  t.match(await merge(recorded('a', 5000), request), { completed: { length: 0 }, recorded: ['pbx-a-agent'] });
  t.equal(stored.get('pbx-a'), known);
  stored.set('pbx-a', cutOff(all, 9000 + 4000));
  t.match(await merge(recorded('a', 5000), request), { completed: [{ endedAt: START + 18_000 }] }, 'clocks differ');
});

t.test('a record that tells no end may be that of a call that lived on', async (t) => {
  const all = await whole(recorded('a', 5000), 'pbx-a');
  const endless = recorded('a', 5000).filter(({ kind }) => kind !== 'cleared');
  const { merge, stored } = bench();
  stored.set('pbx-a', cutOff(all, 60_000));
  const { completed, recorded: told } = await merge(endless, request);
  t.match(completed, [{ endedAt: START + 65_000, endBetween: { from: START + 65_000, to: START + 70_000 } }]);
  t.ok(completed[0]?.flags.includes('end-unknown'));
  t.ok(told.includes('pbx-a'));
});
