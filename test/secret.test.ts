import fc from 'fast-check';
import t from 'tap';
import { Redactor, Secret, withoutLogin, withoutLogins } from '../src/secret.ts';
import { runs } from './support/runs.ts';

const redactorOf = (...values: readonly string[]) => new Redactor(values.map((value) => new Secret(value)));

t.test('secrets are taken out in every spelling', async (t) => {
  const redactor = redactorOf('u$r1+a/b', 'q"zz');
  t.equal(redactor.redact('u$r1+a/b u%24r1%2Ba%2Fb q"zz q\\"zz q\\\\\\"zz'), Array(5).fill('[secret]').join(' '));
  t.equal(redactor.redact('nothing to hide'), 'nothing to hide');
  t.equal(redactorOf('abc', '').redact('abcabc'), 'abcabc', 'too short to be a secret');
});

t.test('one secret within another, or beside it, leaves nothing of either', async (t) => {
  for (const values of [
    ['logcalld', 'logcalld-Tr0ub4dor&3'],
    ['Tr0ub4dor', 'logcalld-Tr0ub4dor&3'],
    ['logcalld-Tr', 'Tr0ub4dor&3'],
  ]) {
    const whole = 'failed with logcalld-Tr0ub4dor&3.';
    t.equal(redactorOf(...values).redact(whole), 'failed with [secret].', values.join());
    t.equal(redactorOf(...values.toReversed()).redact(whole), 'failed with [secret].', values.join());
  }
  t.equal(redactorOf('secret', '[sec').redact('a secret, [secret]'), 'a [secret], [secret]]', 'the mark is none');
});

t.test('no sign of a secret is left, whatever others there are', async (t) => {
  const value = fc.stringMatching(/^[a-c]{4,8}$/);
  const property = fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), fc.nat(), (values, at) => {
    const one = values[at % values.length] ?? '';
    return redactorOf(...values).redact(`<${one}>`) === '<[secret]>';
  });
  t.doesNotThrow(() => fc.assert(property, runs(200, 5_000)));
});

t.test('a key is known by its name in each spelling', async (t) => {
  const redactor = new Redactor();
  for (const name of ['accessKey', 'secret_key', 'x-lsq-access-key', 'x-LSQ-SecretKey']) {
    t.equal(redactor.redact(`{"${name}" : "a\\"b", "c": 1}`), `{"${name}" : "[secret]", "c": 1}`);
    t.equal(redactor.redact(`https://h/?${name}=abc&d=1`), `https://h/?${name}=[secret]&d=1`);
    const json = JSON.stringify({ text: `he said "${name}=abc"` });
    t.same(JSON.parse(redactor.redact(json)), { text: `he said "${name}=[secret]"` }, 'JSON stays JSON');
  }
});

t.test('addresses lose who logs in, and what follows their path', async (t) => {
  for (const [address, expected] of [
    ['https://u:pw@api.example.com', 'https://[login]@api.example.com'],
    ['https://u:p/w@api.example.com/v2', 'https://[login]@api.example.com/v2'],
    ['https://u:p@w@api.example.com', 'https://[login]@api.example.com'],
    ['https://u:p?w@api.example.com/v2?a=1', 'https://[login]@api.example.com/v2?[left out]'],
    ['https://api.example.com:8443/v2/?accessKey=a&mail=x@y.example', 'https://api.example.com:8443/v2/?[left out]'],
    ['u:pw@api.example.com', '[login]@api.example.com'],
    ['api.example.com?accessKey=a', 'api.example.com?[left out]'],
    ['mysql://l:pw@db', 'mysql://[login]@db'],
    ['https://api.example.com/v2#x', 'https://api.example.com/v2#[left out]'],
    ['https://api.example.com/rec/{file}', 'https://api.example.com/rec/{file}'],
    ['127.0.0.1:8480', '127.0.0.1:8480'],
  ] as const)
    t.equal(withoutLogin(address), expected, address);
  t.equal(
    withoutLogins('see <https://u:pw@a.example/x?y=1>, asha@a.example and sip:1001@a.example'),
    'see <https://[login]@a.example/x?[left out]>, asha@a.example and sip:1001@a.example',
  );
});
