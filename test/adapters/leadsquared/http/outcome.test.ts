import t from 'tap';
import { type Exchange, judge, retryAfterMs } from '../../../../adapters/leadsquared/http/outcome.ts';
import type { OutcomeKind } from '../../../../src/delivery/crm.ts';

const NOW = Date.parse('2026-03-24T10:00:00Z');
const SENTENCE = 'API calls exceeded the limit of 20 in 5 second(s)';

function answer(status: number, body: unknown, changes: Partial<Extract<Exchange, { kind: 'answer' }>> = {}): Exchange {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { kind: 'answer', status, headers: {}, body: text, complete: true, ...changes };
}
const mx = (type: string, message: string) => ({ Status: 'Error', ExceptionType: type, ExceptionMessage: message });
const lost = (sent: boolean): Exchange => ({ kind: 'failure', sent, code: 'ECONNRESET', text: 'lost' });

const CASES: readonly [string, Exchange, write: OutcomeKind, read: OutcomeKind][] = [
  ['never left', lost(false), 'unavailable', 'unavailable'],
  ['reset after it left', lost(true), 'uncertain', 'unavailable'],
  ['success', answer(200, { Status: 'Success', Message: { Id: 'x' } }), 'accepted', 'accepted'],
  ['success with 201', answer(201, { Status: 'Success' }), 'accepted', 'accepted'],
  ['a list', answer(200, []), 'uncertain', 'accepted'],
  ['429', answer(429, 'slow down'), 'rate-limited', 'rate-limited'],
  [
    '429 with an exception',
    answer(429, mx('MXAPIRateLimitExceededException', SENTENCE)),
    'rate-limited',
    'rate-limited',
  ],
  ['403 with the limit sentence', answer(403, SENTENCE), 'rate-limited', 'rate-limited'],
  [
    '200 with the exception',
    answer(200, mx('MXAPIRateLimitExceededException', 'later')),
    'rate-limited',
    'rate-limited',
  ],
  ['200 error with the sentence', answer(200, mx('MXOther', SENTENCE)), 'rate-limited', 'rate-limited'],
  ['500 with the sentence', answer(500, mx('MXOther', SENTENCE)), 'rate-limited', 'rate-limited'],
  ['the sentence as data of a success', answer(200, [{ FirstName: SENTENCE }]), 'uncertain', 'accepted'],
  ['redirect', answer(302, '', { headers: { location: 'https://login.example/' } }), 'denied', 'denied'],
  ['401', answer(401, mx('MXInvalidAccessDetailsException', 'Invalid')), 'denied', 'denied'],
  ['bad keys in 500', answer(500, mx('MXInvalidAccessDetailsException', 'Invalid')), 'denied', 'denied'],
  ['bad keys in 200', answer(200, mx('MXAuthenticationFailedException', 'Invalid')), 'denied', 'denied'],
  ['403', answer(403, 'Forbidden'), 'denied', 'denied'],
  ['404', answer(404, 'Endpoint not found.'), 'denied', 'denied'],
  ['404 with an exception', answer(404, mx('MXLeadNotFoundException', 'no lead')), 'rejected', 'rejected'],
  ['405', answer(405, ''), 'denied', 'denied'],
  ['400', answer(400, { Message: 'bad' }), 'rejected', 'rejected'],
  ['413', answer(413, 'too large'), 'rejected', 'rejected'],
  ['408', answer(408, ''), 'uncertain', 'unavailable'],
  ['MX in 500', answer(500, mx('MXInvalidInputException', 'bad LeadId')), 'rejected', 'rejected'],
  ['MX in 200', answer(200, mx('MXDuplicateEntryException', 'known')), 'rejected', 'rejected'],
  ['MX timeout', answer(500, mx('MXDbException', 'Execution Timeout Expired')), 'uncertain', 'unavailable'],
  ['MX timed out', answer(200, mx('MXDbException', 'The operation timed out')), 'uncertain', 'unavailable'],
  ['MX deadlock', answer(500, mx('MXDbException', 'Deadlock found; try restarting')), 'uncertain', 'unavailable'],
  ['MX try again', answer(200, mx('MXException', 'Please try again later')), 'uncertain', 'unavailable'],
  ['other exception in 500', answer(500, mx('MySqlException', 'gone away')), 'uncertain', 'unavailable'],
  ['other exception in 200', answer(200, mx('SystemException', 'oops')), 'uncertain', 'unavailable'],
  ['500 without a body', answer(500, ''), 'uncertain', 'unavailable'],
  ['502 HTML', answer(502, '<html>Bad Gateway</html>'), 'uncertain', 'unavailable'],
  ['503', answer(503, '{"Message":"busy"}'), 'uncertain', 'unavailable'],
  ['200 HTML', answer(200, '<html>Welcome</html>'), 'uncertain', 'unavailable'],
  ['200 garbage', answer(200, '{"Status":"Succ'), 'uncertain', 'unavailable'],
  ['200 empty', answer(200, ''), 'uncertain', 'unavailable'],
  ['204', answer(204, ''), 'uncertain', 'unavailable'],
  ['200 cut off', answer(200, '{"Status":"Success"}', { complete: false }), 'uncertain', 'unavailable'],
  ['status in another case', answer(200, { Status: 'success?' }), 'uncertain', 'accepted'],
];

for (const [name, exchange, write, read] of CASES) {
  t.test(name, (t) => {
    const written = judge('write', exchange, NOW);
    t.equal(written.kind, write, 'write');
    t.equal(judge('read', exchange, NOW).kind, read, 'read');
    t.ok(written.message.length > 3 && !written.message.includes('\n'), 'one line for the operator');
    t.equal(written.refusal !== null, write === 'rate-limited');
    t.end();
  });
}

t.test('the numbers of the limit are read from its sentence', (t) => {
  const headers = { 'retry-after': '7' };
  const { refusal } = judge('read', answer(403, SENTENCE, { headers }), NOW);
  t.same(refusal, { limit: 20, windowMs: 5000, retryAfterMs: 7000 });
  const bare = judge('read', answer(429, ''), NOW).refusal;
  t.same(bare, { limit: null, windowMs: null, retryAfterMs: null });
  t.end();
});

t.test('Retry-After in seconds or as a date', (t) => {
  t.equal(retryAfterMs('12', NOW), 12_000);
  t.equal(retryAfterMs('Tue, 24 Mar 2026 10:00:30 GMT', NOW), 30_000);
  t.equal(retryAfterMs('Tue, 24 Mar 2026 09:00:00 GMT', NOW), 0, 'a date in the past');
  t.equal(retryAfterMs('4.8723', NOW), 4873, 'the seconds of a .NET TimeSpan');
  for (const text of ['soon', '-5', '12 s', '']) t.equal(retryAfterMs(text, NOW), null, text);
  t.equal(retryAfterMs(null, NOW), null);
  t.end();
});

t.test('a reply that broke off is told as such, and its status still counts', (t) => {
  const cut = { complete: false };
  t.match(judge('write', answer(200, '{"Status":"Success"}', cut), NOW).message, /broke off/);
  t.equal(judge('write', answer(401, '{"Sta', cut), NOW).kind, 'denied');
  t.equal(judge('write', answer(429, '{"Sta', cut), NOW).kind, 'rate-limited');
  t.end();
});

t.test('the message names the right host', (t) => {
  const body = mx('MXInvalidAccessDetailsException', 'Please use the API host api-in21.leadsquared.com instead.');
  t.match(judge('read', answer(401, body), NOW).message, /set the LeadSquared host to api-in21\.leadsquared\.com/);
  t.match(
    judge('read', answer(401, mx('MXInvalidAccessDetailsException', 'Invalid')), NOW).message,
    /check the access key/,
  );
  const told = (message: string) =>
    judge('read', answer(401, mx('MXInvalidAccessDetailsException', message)), NOW, 'api.leadsquared.com').message;
  const wrong = 'The keys are not of api.leadsquared.com (see https://apidocs.leadsquared.com/api-host)';
  t.match(told(`${wrong}: use https://api-in21.leadsquared.com/v2`), /set the LeadSquared host to api-in21\./);
  t.match(told(wrong), /check the access key/, 'neither the one that was asked nor that of the documentation');
  t.end();
});
