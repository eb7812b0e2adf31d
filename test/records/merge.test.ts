/** What a page of records does to the stored calls. */
import t from 'tap';
import { CallTable, DEFAULT_RULES } from '../../src/call/correlate.ts';
import { SAME_TIME } from '../../src/records/pbx-time.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { labPlan } from '../support/recordings.ts';
import { bench, recorded, START, span } from './support.ts';

t.test('a call that nobody heard is created, once, however often its records are read', async (t) => {
  const { merge, stored } = bench();
  const first = await merge(recorded('a', 5000), { span, time: SAME_TIME });
  t.match(first.created, [{ callSessionId: 'pbx-a', status: 'Answered', agent: '1001', durationSeconds: 7 }]);
  t.ok(first.recorded.includes('pbx-a'));
  t.strictSame(stored.get('pbx-a')?.flags, ['blind-interval', 'from-cdr', 'not-heard']);
  const second = await merge(recorded('a', 5000), { span, time: SAME_TIME });
  t.match(second, { created: { length: 0 }, completed: { length: 0 } });
});

t.test('what was heard, what is going on, and what lies outside of the gap are left alone', async (t) => {
  const all = [...recorded('heard', 1000), ...recorded('open', 2000), ...recorded('late', 600_000)];
  const { merge, stored } = bench({ heard: ['heard-agent'], open: ['open-agent'] });
  const { created, completed } = await merge(all, { span, time: SAME_TIME });
  t.strictSame([created, completed, stored.size], [[], [], 0]);
});

t.test('a call that another PBX has is its own: both may write into one table', async (t) => {
  const all = [...recorded('theirs', 1000), ...recorded('ours', 2000)];
  const { merge, stored } = bench({ elsewhere: ['theirs-agent'] });
  const { created } = await merge(all, { span, time: SAME_TIME });
  t.match(created, [{ callSessionId: 'pbx-ours' }]);
  t.strictSame([...stored.keys()], ['pbx-ours']);
});

t.test('one that may be that of a PBX with records of its own is left out, and that is said', async (t) => {
  const all = [...recorded('alike', 1000), ...recorded('ours', 2000)];
  const { created, faults } = await bench({ alike: ['alike'] }).merge(all, { span, time: SAME_TIME });
  t.match(created, [{ callSessionId: 'pbx-ours' }]);
  t.match(faults, [{ count: 1, why: /Another PBX has a call of the same id/ }]);
});

t.test('records are written by the clock of the PBX, calls are kept by ours', async (t) => {
  const ahead = -7_200_000;
  const { merge, stored } = bench();
  await merge(recorded('a', 5000, ahead), { span, time: { aheadMs: ahead, ownTimes: false } });
  t.match(stored.get('pbx-a'), { startedAt: START + 5000, endedAt: START + 14_000 });
  const own = bench();
  await own.merge(recorded('a', 5000, ahead), { span, time: { aheadMs: ahead, ownTimes: true } });
  const began = START + 5000 + ahead;
  t.match(own.stored.get('pbx-a'), { startedAt: began, endedAt: began + 9000 }, 'or by the clock of the PBX as well');
  t.same(own.searched, [{ from: START + 5000 - 60_000, to: START + 14_000 + 60_000 }], 'the journal is kept by ours');
  const at = START + 12_000 + ahead;
  const cutOff = recorded('a', 5000, ahead).filter(({ kind }) => kind !== 'cleared' && kind !== 'bridge-left');
  const over = (channel: string): CallEvent => ({
    ...{ source: 'pbx', at, receivedAt: at, kind: 'vanished', channel, overAt: at + 10_000 },
  });
  const anew = bench();
  await anew.merge([...cutOff, over('a'), over('a-agent')], { span, time: { aheadMs: ahead, ownTimes: false } });
  t.match(anew.stored.get('pbx-a'), { endBetween: { to: START + 22_000 } }, 'also where the PBX was started anew');
});

t.test(
  'the PBX is lost in the grace of a call: its recording, which is told after that, comes from the records',
  async (t) => {
    const table = new CallTable('pbx', labPlan('asterisk'), DEFAULT_RULES);
    const at = START + 14_300;
    const lost: CallEvent = {
      source: 'pbx',
      at,
      receivedAt: at,
      kind: 'source-lost',
      orderly: true,
      reason: 'stopped',
    };
    for (const event of [...recorded('a', 5000), lost]) table.apply(event);
    const [known] = table.advance(START + 60_000).ended;
    if (known === undefined) throw new Error('not reported');
    t.match(known, { endedAt: START + 14_000, recording: null });
    for (const ahead of [0, -7_200_000]) {
      const time = { aheadMs: ahead, ownTimes: false };
      const told = { at: START + 14_000 + ahead, kind: 'recording', channel: 'a', file: 'a.wav' } as const;
      const events = [...recorded('a', 5000, ahead), { ...told, source: 'pbx', receivedAt: told.at }];
      const { merge, stored } = bench();
      stored.set('pbx-a', known);
      const { completed } = await merge(events, { span: { from: at, to: START + 60_000 }, lostAt: [at], time });
      t.strictSame(completed, [{ ...known, recording: 'a.wav', recordings: ['a.wav'], flags: ['from-cdr'] }]);
      t.match(await merge(events, { span: null, time }), { completed: [] });
    }
  },
);

t.test('a call that was cut off is completed, under whichever of its channels the records begin', async (t) => {
  const { merge, stored } = bench();
  await merge(recorded('a', 5000), { span, time: SAME_TIME });
  const whole = stored.get('pbx-a');
  if (whole === undefined) throw new Error('not created');
  const cutOff = { ...whole, endedAt: START + 8000, durationSeconds: 1, flags: ['blind-interval', 'end-unknown'] };
  const part = { ...cutOff, agentsTalked: [{ ext: '1001', from: START + 7000, to: START + 8000 }] };
  stored.set('pbx-a', part);
  const { created, completed } = await merge(recorded('a', 5000), { span: null, time: SAME_TIME });
  t.strictSame(created, []);
  t.match(completed, [{ endedAt: START + 14_000, durationSeconds: 7, flags: ['blind-interval', 'from-cdr'] }]);

  stored.clear();
  stored.set('pbx-a-agent', { ...part, callSessionId: 'pbx-a-agent' });
  const again = await merge(recorded('a', 5000), { span, time: SAME_TIME });
  t.strictSame(again.created, [], 'it is not a second call');
  t.ok(again.recorded.includes('pbx-a-agent'));
});

t.test('a dry run stores nothing and tells what would be', async (t) => {
  const { merge, stored } = bench();
  const { created } = await merge(recorded('a', 5000), { span, time: SAME_TIME, dryRun: true });
  t.equal(created.length, 1);
  t.equal(stored.size, 0);
});

t.test('a call that a crash cut off ended between the last record before it and the start of the PBX', async (t) => {
  const cutOff = recorded('a', 5000).filter(({ kind }) => kind !== 'cleared' && kind !== 'bridge-left');
  const rows = [...cutOff, ...recorded('b', 11_000)];
  const before = bench();
  const { created: none } = await before.merge(cutOff, { span, time: SAME_TIME });
  t.strictSame(none, [], 'it may go on as long as no other start is known');
  const bootedAt = START + 40_000;
  const { merge } = bench({ bootedAt });
  const { created } = await merge(rows, { span, time: SAME_TIME });
  t.match(
    created.find(({ callSessionId }) => callSessionId === 'pbx-a'),
    { endedAt: START + 20_000, endBetween: { from: START + 20_000, to: bootedAt }, flags: ['end-unknown'] },
  );
  t.match(
    created.find(({ callSessionId }) => callSessionId === 'pbx-b'),
    { endedAt: START + 20_000, endBetween: null },
  );
  const later = bench({ bootedAt: START });
  t.strictSame((await later.merge(cutOff, { span, time: SAME_TIME })).created, [], 'a call of the run that goes on');
});

t.test('the start of the PBX is told by our clock, calls may be kept by that of the PBX', async (t) => {
  const ahead = 7_200_000;
  const cutOff = recorded('a', 5000, ahead).filter(({ kind }) => kind !== 'cleared' && kind !== 'bridge-left');
  const { merge } = bench({ bootedAt: START + 40_000 });
  const { created } = await merge(cutOff, { span, time: { aheadMs: ahead, ownTimes: true } });
  t.match(created, [{ endBetween: { to: START + 40_000 + ahead } }]);
});

t.test(
  'a call that has just ended counts as heard as soon as it is stored, and while it is not, nothing is created',
  async (t) => {
    const { merge, stored, heard, settling } = bench();
    settling(() => {
      heard.push('a', 'a-agent');
      return true;
    });
    t.same((await merge(recorded('a', 5000), { span, time: SAME_TIME })).created, []);
    settling(() => false);
    const late = merge(recorded('b', 5000), { span, time: SAME_TIME });
    await t.rejects(late, { name: 'RecordsError', message: /What was heard of pbx is not stored yet/ });
    t.equal(stored.size, 0);
  },
);

t.test('a number that was erased does not come back when its records are read again; its later calls do', async (t) => {
  const { merge, stored, erasures } = bench();
  const again = (ms = 5000) => merge(recorded('a', ms), { span, time: SAME_TIME });
  const [record] = (await again()).created;
  const digits = record?.external?.slice(-7) ?? '';
  t.match(digits, /^\d{7}$/);
  erasures.note({ digits, e164: null, upTo: START + 5000 });
  stored.clear();
  t.match(await again(), { created: { length: 0 }, erased: ['pbx-a'] });
  t.equal(stored.size, 0);
  t.match(await again(6000), { created: [{ callSessionId: 'pbx-a' }], erased: { length: 0 } });
});

/** The same without the ends of its channels. */
const endless = (id: string, ms: number, aheadMs = 0): readonly CallEvent[] =>
  recorded(id, ms, aheadMs).filter(({ kind }) => kind !== 'cleared');

t.test('a call without a recorded end was over when the PBX listed its channels without it', async (t) => {
  const listed = START + 40_000;
  const { merge, stored, searched } = bench({ lists: [START - 1, START + 12_000, listed, START + 90_000] });
  const { faults } = await merge(endless('a', 5000), { span, time: SAME_TIME });
  const lastAt = START + 14_000;
  t.match(stored.get('pbx-a'), { status: 'Answered', endedAt: lastAt, endBetween: { from: lastAt, to: listed } });
  t.ok(stored.get('pbx-a')?.flags.includes('end-unknown'));
  t.strictSame(faults, []);
  t.ok((searched[0]?.to ?? 0) >= listed, 'had it been listed, the journal would know');
});

t.test('one that was listed then is the affair of what is heard', async (t) => {
  const lists = [START + 40_000];
  const open = bench({ lists, open: ['a-agent'] });
  t.match(await open.merge(endless('a', 5000), { span, time: SAME_TIME }), {
    created: { length: 0 },
    faults: { length: 0 },
  });
  const heard = bench({ lists, heard: ['a-agent'] });
  t.match(await heard.merge(endless('a', 5000), { span, time: SAME_TIME }), { created: { length: 0 } });
});

t.test('without a list it is left out, and that is said', async (t) => {
  for (const lists of [[], [START + 4000]]) {
    const { merge } = bench({ lists });
    const told = await merge([...endless('a', 5000), ...recorded('b', 9000)], { span, time: SAME_TIME });
    t.match(told, {
      created: [{ callSessionId: 'pbx-b' }],
      faults: [{ count: 1, why: /recorded no end of these calls/ }],
    });
  }
});

t.test('lists are on our clock, records on that of the PBX', async (t) => {
  const ahead = 7_200_000;
  const own = bench({ lists: [START + 40_000] });
  await own.merge(endless('a', 5000, ahead), { span, time: { aheadMs: ahead, ownTimes: true } });
  t.match(own.stored.get('pbx-a'), { endBetween: { to: START + 40_000 + ahead } });
  const ours = bench({ lists: [START + 40_000] });
  await ours.merge(endless('a', 5000, ahead), { span, time: { aheadMs: ahead, ownTimes: false } });
  t.match(ours.stored.get('pbx-a'), { endBetween: { from: START + 14_000, to: START + 40_000 } });
});

t.test('a stored call without a recorded end: both sides narrow what is known of it', async (t) => {
  const { merge, stored } = bench({ lists: [START + 12_000] });
  await merge(recorded('a', 5000), { span, time: SAME_TIME });
  const whole = stored.get('pbx-a');
  if (whole === undefined) throw new Error('no call');
  const flags = ['blind-interval', 'end-unknown'];
  const between = { from: START + 8000, to: START + 30_000 };
  stored.set('pbx-a', { ...whole, flags, endedAt: START + 8000, endBetween: between });
  await merge(endless('a', 5000), { span: null, time: SAME_TIME });
  t.match(stored.get('pbx-a'), { endedAt: START + 14_000, endBetween: { from: START + 14_000, to: START + 30_000 } });
  stored.set('pbx-a', { ...whole, flags: ['blind-interval', 'start-unknown'], startedAt: START + 9000 });
  await merge(endless('a', 5000), { span: null, time: SAME_TIME });
  t.match(
    stored.get('pbx-a'),
    { startedAt: START + 5000, endedAt: whole.endedAt, endBetween: null },
    'its end was heard',
  );
});
