/**
 * The least that has to be done with an AMI stream: parse it, insert it with a promise (WAL, synchronous=FULL), post each call
 * when its last channel hangs up. Words: port of the PBX, path of the database, address to post to.
 */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import BetterSqlite3 from 'better-sqlite3';

const [port = '', path = '', address = ''] = process.argv.slice(2);
const db = new BetterSqlite3(path);
db.pragma('journal_mode = WAL');
db.pragma('synchronous = FULL');
db.exec('CREATE TABLE frame (id INTEGER PRIMARY KEY, raw TEXT) STRICT');
const insert = db.prepare('INSERT INTO frame (raw) VALUES (?)');
const commit = db.transaction((packets: readonly string[]): void => {
  for (const packet of packets) insert.run(packet);
});
const agent = new Agent({ keepAlive: true });
const channels = new Map<string, number>();

function headersOf(packet: string): Map<string, string> {
  return new Map(
    packet.split('\r\n').map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)];
    }),
  );
}

/** The call that is over with this packet; `null`: none is. */
function overWith(packet: string): string | null {
  const headers = headersOf(packet);
  const [event, call] = [headers.get('Event'), headers.get('Linkedid') ?? ''];
  if (event !== 'Newchannel' && event !== 'Hangup') return null;
  const left = (channels.get(call) ?? 0) + (event === 'Hangup' ? -1 : 1);
  channels.set(call, left);
  return left === 0 ? call : null;
}

function post(call: string): void {
  const body = JSON.stringify({ CallSessionId: `asterisk-${call}` });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  request(address, { method: 'POST', agent, headers }, (response) => response.resume())
    .on('error', () => {})
    .end(body);
}

let text = '';
const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true }, () => {
  socket.write('Action: Login\r\nActionID: 1\r\nUsername: bench\r\nSecret: bench\r\n\r\n');
});
socket.on('data', (chunk: Buffer) => {
  text += chunk.toString('utf8');
  const packets = text.split('\r\n\r\n');
  text = packets.pop() ?? '';
  const over = packets.flatMap((packet) => overWith(packet) ?? []);
  commit(packets);
  for (const call of over) {
    process.send?.({ call: `asterisk-${call}` });
    post(call);
  }
});
process.on('message', () => {});
