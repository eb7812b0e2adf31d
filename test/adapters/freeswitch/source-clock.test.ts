/** How far the clock of FreeSWITCH is ahead, as it tells it: for the times of its records. */
import type { Socket } from 'node:net';
import t from 'tap';
import { createFreeswitchSource } from '../../../adapters/freeswitch/source.ts';
import type { SourceStatus } from '../../../src/ports.ts';
import { apiReply, fakeServer, greet, HandClock, jsonFrame, Seen } from './support.ts';

const HOUR = 3_600_000;

/** `strepoch`: the answer to the question for its time. */
async function listening(strepoch: (now: number) => string) {
  const clock = new HandClock();
  const sockets = new Seen<Socket>();
  const server = await fakeServer((socket) => {
    sockets.add(socket);
    const answer = (command: string): string | null => {
      if (command === 'api strepoch') return apiReply(strepoch(clock.now()));
      return command.startsWith('api show channels') ? apiReply('{"row_count": 0}') : null;
    };
    greet(socket, () => {}, answer);
  });
  const who = { name: 'fs', host: '127.0.0.1', port: server.port, password: 'x', random: () => 0.5 };
  const source = createFreeswitchSource({ ...who, clock });
  const statuses = new Seen<SourceStatus>();
  source.start(() => {}, statuses.add);
  await statuses.until(({ state }) => state === 'connected');
  const ahead = async (wanted: (ms: number) => boolean): Promise<number> => {
    for (;;) {
      const { aheadMs } = source.status();
      if (aheadMs !== null && aheadMs !== undefined && wanted(aheadMs)) return aheadMs;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };
  const beat = (ahead: number): void => {
    const time = String((clock.now() + ahead) * 1000);
    sockets.all[0]?.write(jsonFrame({ 'Event-Name': 'HEARTBEAT', 'Event-Date-Timestamp': time }));
  };
  const close = async () => {
    await source.stop();
    await server.close();
  };
  return { source, ahead, beat, close };
}

t.test('it is asked at once, and told by each heartbeat', async (t) => {
  const { ahead, beat, close } = await listening((now) => String(Math.floor((now + 2 * HOUR) / 1000)));
  t.teardown(close);
  t.ok(Math.abs((await ahead(() => true)) - 2 * HOUR) <= 500, 'to a second');
  beat(HOUR);
  t.equal(await ahead((ms) => ms < 1.5 * HOUR), HOUR, 'set meanwhile');
});

t.test('one that does not tell it when it is asked is as unknown as before', async (t) => {
  const { source, ahead, beat, close } = await listening(() => '-ERR strepoch Command not found!\n');
  t.teardown(close);
  t.equal(source.status().aheadMs, null);
  beat(-HOUR);
  t.equal(await ahead(() => true), -HOUR);
});
