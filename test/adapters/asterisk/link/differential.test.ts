/** The well-known asterisk-manager reads the same packets from clean streams as our codec does. */
import net from 'node:net';
import createManager, { type LoosePacket } from 'asterisk-manager';
import t from 'tap';
import { AmiParser } from '../../../../adapters/asterisk/link/codec.ts';
import type { AmiPacket } from '../../../../adapters/asterisk/link/packet.ts';
import { readFrames } from '../../../../adapters/asterisk/player/recording.ts';
import { captures } from '../support.ts';

/** A packet as asterisk-manager shows it: names in lower case, repeats in an array, variables in an object. */
function loosen(packet: AmiPacket): LoosePacket {
  const loose = new Map<string, unknown>();
  for (const [name, value] of packet.headers) {
    const key = name.trim().toLowerCase();
    const before = loose.get(key);
    if (key === 'variable' || key === 'chanvariable') {
      const [variable = '', ...rest] = value.split('=');
      loose.set(key, { ...(typeof before === 'object' ? before : {}), [variable]: rest.join('=') });
    } else if (!loose.has(key)) loose.set(key, value);
    else loose.set(key, Array.isArray(before) ? [...before, value] : [before, value]);
  }
  return Object.fromEntries(loose);
}

function ours(stream: Buffer): LoosePacket[] {
  const packets: LoosePacket[] = [];
  const parser = new AmiParser({
    onGreeting: () => {},
    onPacket: (packet) => packets.push(loosen(packet)),
    onSkipped: (what) => {
      throw new Error(what);
    },
    onError: (error) => {
      throw error;
    },
  });
  parser.push(stream);
  return packets;
}

/** Serves the stream to asterisk-manager after its login and returns what it emits. */
async function theirs(stream: Buffer): Promise<LoosePacket[]> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.write(stream.subarray(0, stream.indexOf('\n') + 1));
    socket.once('data', (login: Buffer) => {
      const id = /actionid: *(\S+)/i.exec(login.toString())?.[1] ?? '';
      socket.write(`Response: Success\r\nActionID: ${id}\r\nMessage: the oracle's own login\r\n\r\n`);
      socket.write(stream.subarray(stream.indexOf('\n') + 1));
      socket.write('Event: EndOfStream\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const packets: LoosePacket[] = [];
  await new Promise<void>((resolve) => {
    const manager = createManager(port, '127.0.0.1', 'u', 's', true);
    manager.on('rawevent', (packet) => {
      // Copied: the emitter changes its packets after this event. Extra empty lines give packets without anything.
      if (packet.event === 'EndOfStream') resolve(manager.disconnect());
      else if (packet.message !== "the oracle's own login" && Object.keys(packet).length > 0)
        packets.push({ ...packet });
    });
  });
  await new Promise((resolve) => server.close(resolve));
  return packets;
}

t.test('same packets from every recording', async (t) => {
  const streams = captures().map((path) => ({ path, frames: readFrames(path).map(({ raw }) => raw) }));
  // Greetings of later connections are cut out: on one clean stream there is only the first.
  const isGreeting = (raw: Buffer) => /^[^:\n]*Call Manager\//.test(raw.toString('latin1'));
  const all = streams.flatMap(({ frames }) => frames);
  const stream = Buffer.concat([
    Buffer.from('Asterisk Call Manager/11.0.0\r\n'),
    ...all.filter((raw) => !isGreeting(raw)),
  ]);
  const [mine, oracle] = [ours(stream), await theirs(stream)];
  t.ok(streams.length >= 140, `${streams.length} recordings`);
  t.ok(mine.length > 20_000, `${mine.length} packets`);
  t.equal(mine.length, oracle.length);
  const key = (packet: LoosePacket | undefined) => JSON.stringify(Object.entries(packet ?? {}).sort());
  const differing = mine.flatMap((packet, i) => (key(packet) === key(oracle[i]) ? [] : [[packet, oracle[i]]]));
  t.same(differing.slice(0, 3), [], `${differing.length} of ${mine.length} packets differ`);
});
