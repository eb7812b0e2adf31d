/** The memory of frames is used again: also where replies come among the events, and whoever has a reply keeps it. */
import type { Socket } from 'node:net';
import t from 'tap';
import { replyText } from '../../../../adapters/freeswitch/link/connection.ts';
import { apiReply, fakeServer, greet, jsonFrame, watch } from '../support.ts';

/** Bytes of events between two questions: half of a slab. */
const EVENTS = 4;
const EVENT = jsonFrame({ 'Event-Name': 'CHANNEL_ANSWER', 'Core-UUID': 'c', Padding: 'x'.repeat(32 * 1024) });

async function bench(t: { teardown(run: () => Promise<void>): unknown }, answer: (n: number) => string) {
  let asked = 0;
  let socket: Socket | null = null;
  const server = await fakeServer((one) => {
    socket = one;
    greet(
      one,
      () => {},
      (command) => {
        if (!command.startsWith('api number')) return null;
        asked += 1;
        return answer(asked);
      },
    );
  });
  const watched = watch(server.port, { reuse: true });
  t.teardown(async () => {
    await watched.client.close();
    await server.close();
  });
  await watched.connected.count(1);
  const flood = async (): Promise<void> => {
    const { length } = watched.events.all;
    for (let n = 0; n < EVENTS; n += 1) socket?.write(EVENT);
    await watched.events.count(length + EVENTS);
  };
  return { ...watched, flood };
}

const slabs = (frames: readonly Uint8Array[]): number =>
  new Set(frames.flatMap(({ buffer }) => (buffer instanceof SharedArrayBuffer ? [buffer] : []))).size;

t.test('replies among events keep no memory from being used again, and stay what they were', async (t) => {
  const { client, flood, raw } = await bench(t, (n) => apiReply(`answer ${n}`));
  const replies = [];
  for (let n = 0; n < 40; n += 1) {
    replies.push(await client.query('number'));
    await flood();
  }
  t.ok(slabs(raw.all) <= 3, `${slabs(raw.all)} slabs for 5 MB`);
  t.same(
    replies.map(replyText),
    replies.map((_, n) => `answer ${n + 1}`),
  );
  const [first] = replies;
  t.equal(first?.headers.get('content-type'), 'api/response');
  t.equal(Buffer.from(first?.raw ?? []).toString(), apiReply('answer 1'));
});
