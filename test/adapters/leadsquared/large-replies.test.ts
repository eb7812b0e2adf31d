/**
 * Replies of megabytes are judged on the thread that reads the PBX: each must cost about what reading its JSON costs. Nothing here
 * measures time: work that grows with the square of these sizes would not end while the tests run.
 */
import t from 'tap';
import { judge } from '../../../adapters/leadsquared/http/outcome.ts';
import { Redactor, Secret } from '../../../src/secret.ts';

const MILLION = 1_000_000;
const answer = (status: number, body: string) =>
  judge('read', { kind: 'answer', status, headers: {}, body, complete: true }, 0);

t.test('a refusal of any form and length is judged', async (t) => {
  const bodies = ['a-', ' ', 'a b ', '1', 'exceeded the limit of 1', '\u0000 '].map((part) => part.repeat(MILLION));
  for (const body of bodies) {
    t.equal(answer(403, body).kind, 'denied');
    t.equal(answer(500, body).kind, 'unavailable');
  }
});

t.test('what it says is told by its beginning', async (t) => {
  const long = `${' '.repeat(MILLION)}too   many${' words'.repeat(MILLION)}`;
  const { message } = answer(400, long);
  t.match(message, /: too many words words .*\.\.\.\.$/);
  t.ok(message.length < 400, `${message.length} characters`);
  const host = `${'-'.repeat(1000)} use api-us11.leadsquared.com${' '.repeat(MILLION)}`;
  t.match(answer(403, host).message, /set the LeadSquared host to api-us11\.leadsquared\.com\.$/);
  t.equal(answer(503, `You exceeded the limit of 25 in 5 seconds${' '.repeat(MILLION)}`).refusal?.limit, 25);
});

t.test('keys are taken out of texts of any form and length', async (t) => {
  const redactor = new Redactor([new Secret('the-secret')]);
  const clean = (text: string): string => redactor.redact(text);
  for (const part of ['access_key ', 'accesskey" ', '"', 'access', `accesskey${' '.repeat(100)}`]) {
    const text = part.repeat(MILLION / 10);
    t.equal(clean(text), text);
  }
  t.equal(clean(`${' '.repeat(MILLION)}the-secret`), `${' '.repeat(MILLION)}[secret]`);
  t.equal(clean(`{"secretKey": "${'x\\"'.repeat(MILLION)}`), '{"secretKey": "[secret]', 'a text that broke off');
});
