import t from 'tap';
import { apiBase } from '../../../../adapters/leadsquared/http/endpoint.ts';

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
