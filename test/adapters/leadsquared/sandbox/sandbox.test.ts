import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type Sandbox, startSandbox } from '../../../../adapters/leadsquared/sandbox/sandbox.ts';
import { LEAD, USER } from '../support.ts';

const CALL = {
  SourceNumber: '+91-9876543210',
  CallerSource: 'Newspaper',
  DestinationNumber: '+91-9611795983',
  DisplayNumber: '+91-8041234567',
  StartTime: '2026-03-24 09:09:52',
  EndTime: '2026-03-24 09:11:15',
  CallDuration: 74,
  Status: 'Answered',
  Direction: 'Inbound',
  CallSessionId: 'call-1',
};

interface Got {
  readonly status: number;
  readonly text: string;
}

function asker(sandbox: Sandbox) {
  const keys = { 'x-lsq-accesskey': sandbox.accessKey, 'x-lsq-secretkey': sandbox.secretKey };
  return async (path: string, body?: unknown, headers: Record<string, string> = keys): Promise<Got> => {
    const type = { 'content-type': 'application/json' };
    const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(sandbox.url + path, { ...post, headers: { ...type, ...headers }, redirect: 'manual' });
    return { status: response.status, text: await response.text() };
  };
}

t.test('accepts a documented call, under both paths, and keeps repeats', async (t) => {
  const sandbox = await startSandbox();
  t.teardown(() => sandbox.close());
  const ask = asker(sandbox);
  for (const path of ['/v2/Telephony.svc/LogCall', '/Telephony.svc/LogCall']) {
    const { status, text } = await ask(path, CALL);
    t.equal(status, 200);
    t.match(JSON.parse(text), { Status: 'Success', Message: { Message: 'Phone call logged successfully' } });
  }
  t.equal(sandbox.ledger.bySession('call-1').length, 2, 'nothing is de-duplicated');
  t.same(sandbox.stats().doubled, ['call-1']);
  t.equal(sandbox.leads.size, 1, 'one lead for the one number');
});

t.test('refuses what is not as documented', async (t) => {
  const sandbox = await startSandbox({ limit: 1000, leads: [{ id: LEAD, phone: '+91-9876543210' }] });
  t.teardown(() => sandbox.close());
  const ask = asker(sandbox);
  const { Status: _, ...withoutStatus } = CALL;
  const cases: [string, unknown, number, RegExp][] = [
    ['no object', [], 400, /not a JSON object/],
    ['field missing', withoutStatus, 500, /MXMandatoryAttributeMissing.*Status/],
    ['duration as text', { ...CALL, CallDuration: '74' }, 500, /MXInvalidDataType/],
    ['duration with a fraction', { ...CALL, CallDuration: 7.4 }, 500, /MXInvalidDataType/],
    ['negative duration', { ...CALL, CallDuration: -1 }, 500, /MXInvalidInput/],
    ['direction in lower case', { ...CALL, Direction: 'inbound' }, 500, /Direction/],
    ['ISO time', { ...CALL, StartTime: '2026-03-24T09:09:52Z' }, 500, /StartTime/],
    ['a day that does not exist', { ...CALL, StartTime: '2026-02-30 09:09:52' }, 500, /StartTime/],
    ['end before start', { ...CALL, EndTime: '2026-03-24 09:09:51' }, 500, /EndTime is before/],
    ['long source', { ...CALL, CallerSource: 'x'.repeat(51) }, 500, /50 characters/],
    ['lead is no id', { ...CALL, LeadId: '17' }, 500, /Guid/],
    ['lead does not exist', { ...CALL, LeadId: USER }, 500, /Lead does not exist/],
    ['user does not exist', { ...CALL, UserId: USER }, 500, /User does not exist/],
    ['field unknown', { ...CALL, CallNotes: 'x' }, 500, /MXUnknownAttribute.*CallNotes/],
    ['script-like text', { ...CALL, Tag: '<script>' }, 500, /MXXSS/],
    ['control character', { ...CALL, Tag: 'a\nb' }, 500, /control character/],
  ];
  for (const [name, body, status, text] of cases) {
    const got = await ask('/v2/Telephony.svc/LogCall', body);
    t.equal(got.status, status, name);
    t.match(got.text, text, name);
  }
  const plain = await ask('/v2/Telephony.svc/LogCall', CALL, {
    'x-lsq-accesskey': sandbox.accessKey,
    'x-lsq-secretkey': sandbox.secretKey,
    'content-type': 'text/plain',
  });
  t.equal(plain.status, 400, 'content type');
  t.equal(sandbox.ledger.calls().length, 0, 'nothing of this was carried out');
});

t.test('wrong keys, wrong path, wrong host', async (t) => {
  const sandbox = await startSandbox();
  const elsewhere = await startSandbox({ rightHost: 'api-in21.leadsquared.com' });
  t.teardown(() => Promise.all([sandbox.close(), elsewhere.close()]));
  const wrong = await asker(sandbox)('/v2/UserManagement.svc/Users.Get', undefined, { 'x-lsq-accesskey': 'no' });
  t.equal(wrong.status, 401);
  t.match(JSON.parse(wrong.text), { Status: 'Error', ExceptionType: 'MXInvalidAccessDetailsException' });
  const query = `accessKey=${encodeURIComponent(sandbox.accessKey)}&secretKey=${sandbox.secretKey}`;
  t.equal((await asker(sandbox)(`/v2/UserManagement.svc/Users.Get?${query}`, undefined, {})).status, 200);
  t.equal((await asker(sandbox)('/v2/Telephony.svc/LogCalls', CALL)).status, 404);
  t.equal((await asker(sandbox)('/v2/Telephony.svc/LogCall')).status, 405);
  const host = await asker(elsewhere)('/v2/UserManagement.svc/Users.Get');
  t.equal(host.status, 401);
  t.match(host.text, /api-in21\.leadsquared\.com/);
  const probe = await asker(elsewhere)('/v2/Authentication.svc/UserByAccessKey.Get');
  t.equal(probe.status, 200, 'the probe works on any host');
  t.match(probe.text, /api-in21\.leadsquared\.com/);
});

t.test('the request over the limit is refused in three disguises', async (t) => {
  let monotonic = 0;
  const clock = { now: () => 0, monotonic: () => monotonic, after: () => () => {} };
  const sandbox = await startSandbox({ limit: 2, windowMs: 5000, refuseAs: 'rotate', clock, countRefused: false });
  t.teardown(() => sandbox.close());
  const ask = () => asker(sandbox)('/v2/UserManagement.svc/Users.Get');
  t.same([(await ask()).status, (await ask()).status], [200, 200]);
  monotonic = 5000;
  const refusals = [await ask(), await ask(), await ask()];
  t.same(
    refusals.map(({ status }) => status),
    [429, 403, 200],
  );
  for (const { text } of refusals) t.match(text, /exceeded the limit of 2 in 5 second/);
  monotonic = 5000.5;
  t.equal((await ask()).status, 200, 'the first two are out of the window');
  t.equal(sandbox.worstWindow(), 5);
  t.equal(sandbox.stats().refused, 3);
  t.same(sandbox.arrivals(), [0, 0, 5000, 5000, 5000, 5000.5]);
});

t.test('the ledger outlives the process', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const ledgerFile = join(folder, 'ledger.jsonl');
  const first = await startSandbox({ ledgerFile });
  await asker(first)('/v2/Telephony.svc/LogCall', CALL);
  const [entry] = first.ledger.calls();
  t.match(JSON.parse(readFileSync(ledgerFile, 'utf8')), { body: CALL, kind: 'logcall' });
  await asker(first)('/v2/Telephony.svc/PhoneCallActivity/Update', {
    ActivityId: entry?.activityId,
    CallDuration: '80',
  });
  await first.close();

  const second = await startSandbox({ ledgerFile });
  t.teardown(() => second.close());
  t.equal(second.ledger.bySession('call-1').length, 1);
  const read = await asker(second)(`/v2/ProspectActivity.svc/Retrieve?leadId=${entry?.leadId}`, {
    Parameter: { ActivityEvent: 21 },
  });
  t.match(JSON.parse(read.text), { RecordCount: 1, ProspectActivities: [{ Id: entry?.activityId }] });
  t.match(read.text, /"mx_Custom_3":"80"/, 'with its update');
});

t.test('an update needs an id that exists and a duration as text', async (t) => {
  const sandbox = await startSandbox();
  t.teardown(() => sandbox.close());
  const ask = (body: unknown) => asker(sandbox)('/v2/Telephony.svc/PhoneCallActivity/Update', body);
  await asker(sandbox)('/v2/Telephony.svc/LogCall', CALL);
  const id = sandbox.ledger.calls()[0]?.activityId;
  t.match((await ask({ CallDuration: '1' })).text, /ActivityId/);
  t.match((await ask({ ActivityId: id })).text, /MXMandatory/);
  t.match((await ask({ ActivityId: id, CallDuration: 80 })).text, /MXInvalidDataType/);
  t.match((await ask({ ActivityId: LEAD, CallDuration: '80' })).text, /does not exist/);
  t.match((await ask({ ActivityId: id, RecordingURL: 'https://x.example/1.wav' })).text, /updated successfully/);
});

t.test('a new activity can take its time to be readable', async (t) => {
  let monotonic = 0;
  const clock = { now: () => Date.parse('2026-03-24T10:00:00Z'), monotonic: () => monotonic, after: () => () => {} };
  const sandbox = await startSandbox({ readableAfterMs: 30_000, clock });
  t.teardown(() => sandbox.close());
  const window = {
    Parameter: { FromDate: '2026-03-24 00:00:00', ToDate: '2026-03-25 00:00:00', ActivityEvent: 21 },
    Paging: { PageIndex: 1, PageSize: 1000 },
  };
  const path = '/v2/ProspectActivity.svc/CustomActivity/RetrieveByActivityEvent';
  await asker(sandbox)('/v2/Telephony.svc/LogCall', CALL);
  t.same(JSON.parse((await asker(sandbox)(path, window)).text), { RecordCount: 0 }, 'no List when there is nothing');
  monotonic = 30_000;
  t.match(JSON.parse((await asker(sandbox)(path, window)).text), { RecordCount: 1 });
  t.match((await asker(sandbox)(path, { ...window, Paging: { PageSize: 1001 } })).text, /MXInvalidInput/);
});

t.test('another process steers it over HTTP', async (t) => {
  const sandbox = await startSandbox();
  t.teardown(() => sandbox.close());
  const ask = asker(sandbox);
  t.equal((await ask('/sandbox/faults', { fault: { kind: 'unheard-of' } })).status, 400);
  const rule = { match: { session: 'call-1', nth: 2 }, fault: { kind: 'status', status: 503, body: 'busy' } };
  t.equal((await ask('/sandbox/faults', [rule])).status, 200);
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await ask('/v2/Telephony.svc/LogCall', CALL)).status);
  t.same(statuses, [200, 503, 200], 'the second post of this call, once');
  const stats = JSON.parse((await ask('/sandbox/stats')).text);
  t.match(stats, { arrivals: 3, faults: 1, calls: 2, worstWindow: 3 }, 'control requests are no arrivals');
  t.equal(JSON.parse((await ask('/sandbox/ledger?session=call-1')).text).length, 2);
});
