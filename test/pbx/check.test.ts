import t from 'tap';
import type { LedgerEntry } from '../../adapters/leadsquared/sandbox/ledger.ts';
import { problems } from './check.ts';
import { userOf } from './crm.ts';
import type { SeenCall } from './story.ts';

const START = Date.UTC(2026, 10, 22, 18, 29, 58);

const seen: SeenCall = {
  direction: 'Inbound',
  status: 'Answered',
  customer: '+919845012345',
  company: '+918041110001',
  agents: ['1001'],
  startedAt: START,
  answeredAt: START + 2_000,
  endedAt: START + 12_000,
};

const truth = {
  SourceNumber: '+91-9845012345',
  DestinationNumber: '1001',
  DisplayNumber: '+91-8041110001',
  StartTime: '2026-11-22 18:29:58',
  EndTime: '2026-11-22 18:30:10',
  CallDuration: 10,
  Status: 'Answered',
  Direction: 'Inbound',
  CallSessionId: 'asterisk-1795357050.14',
  UserId: userOf('1001'),
};

function logged(changes: Readonly<Record<string, string | number>> = {}): LedgerEntry {
  return { seq: 1, kind: 'logcall', at: START, body: { ...truth, ...changes }, activityId: null, leadId: null };
}

t.test('a call log that tells what the telephones saw', async (t) => {
  t.same(problems([logged()], [seen], 'asterisk'), []);
  t.same(problems([logged({ CallDuration: 11, StartTime: '2026-11-22 18:30:00' })], [seen], 'asterisk'), []);
});

t.test('every field that is wrong is named', async (t) => {
  const wrong: Readonly<Record<string, string | number>> = {
    SourceNumber: '9845012345',
    DestinationNumber: '1002',
    DisplayNumber: '+91-8041110002',
    StartTime: '2026-11-22 23:59:58',
    EndTime: '2026-11-22 18:30:13',
    CallDuration: 12,
    Status: 'Missed',
    Direction: 'Outbound',
    CallSessionId: '1795357050.14',
    UserId: userOf('1002'),
  };
  for (const [field, value] of Object.entries(wrong)) {
    const found = problems([logged({ [field]: value })], [seen], 'asterisk').join('\n');
    t.ok(found.includes(field), `${field}: ${found}`);
  }
});

t.test('one call, one call log', async (t) => {
  t.match(problems([logged(), logged()], [seen], 'asterisk'), ['2 call logs for 1 call(s)']);
  t.match(problems([], [seen], 'asterisk'), ['0 call logs for 1 call(s)']);
  t.match(problems([logged(), logged()], [seen, seen], 'asterisk'), [/two calls share a CallSessionId/]);
});

t.test('two calls at once are compared in the order of their beginnings, then of their ends', async (t) => {
  const longer: SeenCall = { ...seen, endedAt: seen.endedAt + 30_000 };
  const second = { EndTime: '2026-11-22 18:30:40', CallDuration: 40, CallSessionId: 'asterisk-1795357050.16' };
  t.same(problems([logged(second), logged()], [seen, longer], 'asterisk'), []);
  t.not(problems([logged({ ...second, CallDuration: 10 }), logged()], [seen, longer], 'asterisk').length, 0);
});

t.test('an end nobody saw may lie anywhere in the blind time, and nowhere else', async (t) => {
  const blind: SeenCall = { ...seen, endKnownFrom: START + 2_000, endKnownBy: START + 20_000 };
  t.same(problems([logged({ EndTime: '2026-11-22 18:30:00', CallDuration: 0 })], [blind], 'asterisk'), []);
  const late = problems([logged({ EndTime: '2026-11-22 18:31:00', CallDuration: 60 })], [blind], 'asterisk');
  t.match(late, [/EndTime/, /CallDuration/]);
});
