import t from 'tap';
import { apiBase } from '../../../../adapters/leadsquared/http/endpoint.ts';
import { scrubber } from '../../../../adapters/leadsquared/http/scrub.ts';

t.test('a bare host or a URL', (t) => {
  const cases: [string, string][] = [
    ['api-in21.leadsquared.com', 'https://api-in21.leadsquared.com/v2/'],
    [' api.leadsquared.com:8443 ', 'https://api.leadsquared.com:8443/v2/'],
    ['https://api.leadsquared.com', 'https://api.leadsquared.com/v2/'],
    ['https://api.leadsquared.com/v2', 'https://api.leadsquared.com/v2/'],
    ['https://api.leadsquared.com/v2/', 'https://api.leadsquared.com/v2/'],
    ['https://proxy.example/lsq/', 'https://proxy.example/lsq/v2/'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/v2/'],
    ['http://[::1]:8080', 'http://[::1]:8080/v2/'],
    ['http://localhost', 'http://localhost/v2/'],
  ];
  for (const [written, base] of cases) t.equal(apiBase(written, false).href, base, written);
  t.end();
});

t.test('plain HTTP only to this machine, or when it is asked for', (t) => {
  for (const host of [
    'http://api.leadsquared.com',
    'http://127.0.0.1.example.com',
    'http://10.0.0.1',
    'http://1270.0.0.1.x',
  ]) {
    t.throws(() => apiBase(host, false), { message: /use https/ }, host);
  }
  t.equal(apiBase('http://10.0.0.1', true).protocol, 'http:');
  t.throws(() => apiBase('ftp://api.leadsquared.com', true), { message: /https/ });
  t.throws(() => apiBase('', false), { message: /is no host name/ });
  t.end();
});

t.test('keys in the host setting are refused without being repeated', (t) => {
  for (const host of ['https://CANARY:CANARY@api.leadsquared.com', 'https://api.leadsquared.com/?accessKey=CANARY']) {
    try {
      apiBase(host, false);
      t.fail('must throw');
    } catch (error) {
      t.match(String(error), /must not carry keys/);
      t.notMatch(String(error), /CANARY/);
    }
  }
  t.end();
});

t.test('secrets are removed in every spelling', (t) => {
  const scrub = scrubber(['u$r1+a/b', 'q"zz']);
  t.equal(scrub('u$r1+a/b u%24r1%2Ba%2Fb q"zz q\\"zz'), '*** *** *** ***');
  t.equal(
    scrub('https://h/x?accessKey=other&secretKey=thing&leadId=1'),
    'https://h/x?accessKey=***&secretKey=***&leadId=1',
  );
  t.equal(scrub('{"x-LSQ-SecretKey": "a\\"b", "Id": 1}'), '{"x-LSQ-SecretKey": "***", "Id": 1}');
  t.equal(scrub('nothing to hide'), 'nothing to hide');
  t.end();
});
