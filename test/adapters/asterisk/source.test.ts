/** What the source notices about its rights: AMI itself does not tell which events a user may read. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import t from 'tap';
import { createAsteriskSource } from '../../../adapters/asterisk/source.ts';
import { createClock } from '../../../adapters/host/clock.ts';
import type { Clock, SourceStatus } from '../../../src/ports.ts';

/** The minute after which the channels are listed again passes at once. */
const real = createClock();
const clock: Clock = { ...real, after: (ms, run) => real.after(ms === 60_000 ? 0 : ms, run) };

/** An AMI server that lists these channels, another set each time, and sends no event of its own. */
async function pbx(lists: readonly (readonly string[])[], refused: readonly string[] = []) {
  let asked = 0;
  const answer = (socket: Socket, action: string, id: string): void => {
    const reply = (lines: readonly string[]) => socket.write(`${[...lines, `ActionID: ${id}`].join('\r\n')}\r\n\r\n`);
    if (action === 'Challenge') reply(['Response: Success', 'Challenge: 1234']);
    else if (action === 'Login') {
      reply(['Response: Success', 'Message: Authentication accepted']);
      socket.write('Event: FullyBooted\r\nUptime: 1000\r\n\r\n');
    } else if (refused.includes(action)) reply(['Response: Error', 'Message: Permission denied']);
    else if (action === 'Status' || action === 'CoreShowChannels') {
      const channels = lists[Math.min(asked, lists.length - 1)] ?? [];
      asked += 1;
      reply(['Response: Success', 'EventList: start']);
      for (const uniqueId of channels) {
        reply([
          'Event: Status',
          'Channel: PJSIP/1001-00000001',
          `Uniqueid: ${uniqueId}`,
          `Linkedid: ${uniqueId}`,
          'Seconds: 1',
        ]);
      }
      reply([`Event: ${action}Complete`, 'EventList: Complete', `ListItems: ${channels.length}`]);
    } else reply(['Response: Success']);
  };
  const server = createServer((socket) => {
    socket.write('Asterisk Call Manager/11.0.0\r\n');
    socket.on('error', () => {});
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const block of text.split('\r\n\r\n').filter((one) => one !== '')) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]?.trim() ?? '';
        answer(socket, field('Action'), field('ActionID'));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const source = createAsteriskSource({
    name: 'pbx',
    host: '127.0.0.1',
    port,
    username: 'logcalld',
    secret: 'x',
    clock,
  });
  return {
    source,
    async close() {
      await source.stop();
      server.close();
    },
  };
}

/** Resolves with the first status that names a problem. */
function problemOf(bench: Awaited<ReturnType<typeof pbx>>): Promise<SourceStatus> {
  return new Promise((resolve) => {
    bench.source.start(
      () => {},
      (status) => {
        if (status.state === 'connected' && status.problem !== null) resolve(status);
      },
    );
  });
}

t.test('channels come and go and no event about one arrives: the user lacks the class call', async (t) => {
  const bench = await pbx([['1795344641.0'], ['1795344655.4']]);
  t.teardown(() => bench.close());
  const { problem } = await problemOf(bench);
  t.match(problem, /the AMI user \[logcalld\] lacks "call"/);
  t.match(problem, /manager\.conf/);
});

t.test('a user who may not list channels is told what to add', async (t) => {
  const bench = await pbx([[]], ['Status', 'CoreShowChannels']);
  t.teardown(() => bench.close());
  const { problem } = await problemOf(bench);
  t.match(problem, /write = reporting/);
});

t.test('one list is refused, the other allowed: nothing to complain of', async (t) => {
  const bench = await pbx([['1795344641.0'], ['1795344641.0']], ['Status']);
  t.teardown(() => bench.close());
  const kinds: string[] = [];
  await new Promise<void>((resolve) => {
    bench.source.start((frame) => {
      kinds.push(...frame.events.map((event) => event.kind));
      // Listed a second time, and still the same channel.
      if (kinds.filter((kind) => kind === 'snapshot-complete').length === 2) resolve();
    });
  });
  t.equal(bench.source.status().problem, null);
});
