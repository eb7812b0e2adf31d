import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { responseTo } from './dialog.ts';
import { formatMessage, parseMessage, type SipRequest, value } from './message.ts';
import { Phone } from './phone.ts';

t.test('a telephone logs in where a server asks (401) and where a proxy asks (407)', async (t) => {
  const server = createSocket('udp4').bind(0, '127.0.0.1');
  await once(server, 'listening');
  const requests: SipRequest[] = [];
  server.on('message', (datagram, from) => {
    const message = parseMessage(datagram);
    if (message?.kind !== 'request' || message.method === 'ACK') return;
    requests.push(message);
    const known = ['authorization', 'proxy-authorization'].some((name) => value(message, name) !== '');
    const server401 = message.method === 'REGISTER';
    const [status, reason] = known ? [server401 ? 200 : 486, 'Enough'] : [server401 ? 401 : 407, 'Log in'];
    const text = formatMessage(responseTo(message, status, reason, { localTag: 'tag' }));
    const asks = server401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
    const challenge = `${asks}: Digest realm="127.0.0.1", nonce="n-${message.method}", algorithm=MD5, qop="auth"\r\n`;
    server.send(text.replace('\r\n', `\r\n${known ? '' : challenge}`), from.port, from.address);
  });
  const phone = await Phone.open({
    name: 'phone 1001',
    user: '1001',
    address: '127.0.0.1',
    pbx: server.address(),
    credentials: { username: '1001', password: 'secret' },
  });
  t.teardown(() => {
    phone.close();
    server.close();
  });

  await phone.register();
  const call = await phone.call('1002');
  await call.ended.wait();
  t.equal(call.status, 486);
  t.same(
    requests.map((request) => [
      request.method,
      /nonce="([^"]+)"/.exec(value(request, 'authorization'))?.[1],
      /nonce="([^"]+)"/.exec(value(request, 'proxy-authorization'))?.[1],
    ]),
    [
      ['REGISTER', undefined, undefined],
      ['REGISTER', 'n-REGISTER', undefined],
      ['INVITE', undefined, undefined],
      ['INVITE', undefined, 'n-INVITE'],
    ],
  );
});
