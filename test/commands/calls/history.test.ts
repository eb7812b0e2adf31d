/** Stored calls beside what the journal makes of them. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openDatabase } from '../../../adapters/sqlite/thread/database.ts';
import { parseConfig } from '../../../config/load.ts';
import type { CallRecord } from '../../../src/call/record.ts';
import { compare, type Difference } from '../../../src/commands/calls/history.ts';
import { rulesOf } from '../../../src/daemon/settings.ts';
import type { CallEvent } from '../../../src/telephony/call-event.ts';
import { commit, frame, tempFolder } from '../../adapters/sqlite/support.ts';
import { calls, ends, on, planWith, recordsOf, rings, START, talk } from '../../support/told.ts';

const MANY = 500;

const CONFIG = parseConfig(
  "[[source]]\ntype = 'asterisk'\nname = 'pbx'\nusername = 'u'\ncountry = 'IN'\n[leadsquared]\nhost = 'x.example'\n",
  '/etc/logcalld/logcalld.toml',
);

/** A customer talks to 1001; the PBX names the recording after the call was reported. */
function recorded(ms: number, channel: string): readonly CallEvent[] {
  const phone = `${channel}-phone`;
  return [
    ...calls(ms, channel, 'PJSIP/trunk', { dialled: '08041110001', caller: { number: '09845012345', name: null } }),
    ...rings(ms + 1_000, phone, 'PJSIP/1001', channel),
    ...talk(ms + 3_000, channel, phone),
    ...ends(ms + 20_000, channel, phone),
    on(ms + 60_000, { kind: 'recording', channel, file: `${channel}.wav` }),
  ];
}

async function compared(
  t: Test,
  events: readonly CallEvent[],
  change: (ended: CallRecord[]) => CallRecord[] = (all) => all,
) {
  const database = await openDatabase(join(tempFolder(t), 'x.db'));
  t.teardown(() => database.close());
  const { remote } = database;
  const ended = change(recordsOf([events], planWith(), rulesOf(CONFIG)));
  await commit(remote.journal, { frames: events.map((event) => frame(event)), ended }, START);
  const found: Difference[] = [];
  const missing: string[] = [];
  const window = { since: START, until: START + 86_400_000, source: null, now: START + 86_400_000 };
  const sum = await compare(remote, CONFIG, window, {
    different: async (one) => void found.push(one),
    missing: (id) => missing.push(id),
  });
  return { sum, found, missing };
}

t.test('a call whose recording was named late is the same, not an earlier version of itself', async (t) => {
  // So many that the end of a call and its recording are some pages of the journal apart.
  const many = Array.from({ length: MANY }, (_, n) => recorded(n * 100, `c${n}`));
  const events = many.flat().sort((a, b) => a.at - b.at);
  t.equal(recordsOf([events]).length, 2 * MANY, 'each was reported twice');
  const { sum, found } = await compared(t, events);
  t.match(sum, { same: MANY, different: 0, missing: 0, leftAlone: 0, frames: events.length });
  t.same(found, []);
});

t.test('what differs, is new, or does not come out any more', async (t) => {
  const events = [...recorded(0, 'a'), ...recorded(90_000, 'b'), ...recorded(180_000, 'c')];
  const { sum, found, missing } = await compared(t, events, (all) => [
    ...all.filter(({ callSessionId }) => callSessionId === 'pbx-a').map((one) => ({ ...one, agent: '9999' })),
    ...all.filter(({ callSessionId }) => callSessionId === 'pbx-b'),
    ...all.slice(0, 1).map((one) => ({ ...one, callSessionId: 'pbx-gone', startedAt: one.startedAt + 1 })),
    ...all.slice(0, 1).map((one) => ({ ...one, callSessionId: 'pbx-cdr', flags: ['from-cdr'] })),
    ...all.slice(0, 1).map((one) => ({ ...one, callSessionId: 'pbx-before', startedAt: START - 1 })),
  ]);
  t.match(sum, { same: 1, different: 2, missing: 1, leftAlone: 0 });
  t.match(found, [
    {
      record: { callSessionId: 'pbx-a', recordings: ['a.wav'] },
      fields: [{ field: 'agent', before: '9999', after: '1001' }],
    },
    { record: { callSessionId: 'pbx-c', recordings: ['c.wav'] }, revision: 0, fields: [] },
  ]);
  t.same(missing, ['pbx-gone']);
});
