import { fileURLToPath } from 'node:url';
import t from 'tap';
import { EslPlayer } from '../../../adapters/freeswitch/player/player.ts';
import { EslSession, eslProtocol } from './esl.ts';

const recording = new URL('../../fixtures/recordings/freeswitch-1.11/internal/events.jsonl.gz', import.meta.url);

const answer = (body: string): string =>
  `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`;
const list = (rows: number): string => answer(`{"row_count":${rows},"rows":[]}`);
const dump = answer('{"Event-Name":"CHANNEL_DATA","Unique-ID":"a"}');

t.test('frames end where their Content-Length says', async (t) => {
  const { frameLength } = eslProtocol();
  const greeting = 'Content-Type: auth/request\n\n';
  t.equal(frameLength(greeting), greeting.length);
  t.equal(frameLength(greeting.slice(0, -1)), 0);
  t.equal(frameLength(dump + greeting), dump.length);
  t.equal(frameLength(dump.slice(0, -1)), 0);
});

t.test('the snapshot ends with the answer about the last channel', async (t) => {
  const protocol = eslProtocol();
  const ends = (frame: string): boolean => protocol.endsSnapshot(frame);
  t.equal(ends(answer('{"row_count": 0}\n')), true);
  t.equal(ends(answer('UP 0 years')), false);
  t.same([list(2), dump, answer('-ERR No such channel!\n')].map(ends), [false, false, true]);
  t.equal(ends(dump), false);
  t.same([list(3), dump, list(1), dump].map(ends), [false, false, false, true], 'another connection counts anew');
});

t.test('commands of the tests reach an event socket', async (t) => {
  const player = new EslPlayer({ file: fileURLToPath(recording), password: 'right' });
  const port = await player.listen();
  t.teardown(() => player.close());
  await t.rejects(EslSession.login(port, 'wrong'), { message: 'the event socket refused the password' });
  await using session = await EslSession.login(port, 'right');
  t.match(await session.api('global_getvar core_uuid'), /^[0-9a-f-]{36}$/);
  t.match(await session.api('module_exists mod_sofia'), /^-ERR/);
  await t.rejects(session.background('originate user/1001 &park'), /refused "originate/);
});
