import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type AmiPacket, parsePacketText } from '../../../../adapters/asterisk/link/packet.ts';
import { IdShift } from '../../../../adapters/asterisk/player/id-shift.ts';
import { AmiPlayer } from '../../../../adapters/asterisk/player/player.ts';
import { readRecording } from '../../../../adapters/asterisk/player/recording.ts';
import { captures, watchedClient } from '../support.ts';
import { capture, eventsOf, listed, notBooted, playing, received, texts, WHO } from './support.ts';

t.test('plays what the PBX sent, byte for byte, and nothing of the recorded session', async (t) => {
  for (const scenario of [
    'asterisk-22/queue_answered/events-f',
    'asterisk-16/weird_names/events.j',
    'asterisk-22/variant_read_all/events.j',
  ]) {
    const path = capture(scenario);
    const packets = await received(path);
    t.equal(packets.filter((packet) => !notBooted(packet)).length, 1, 'one FullyBooted');
    t.ok(packets.length > 20);
    t.same(texts(packets.filter(notBooted)), texts(eventsOf(path)), scenario);
  }
});

t.test('every recording of the fixtures can be laid out', async (t) => {
  for (const path of captures()) {
    const { connections } = readRecording(path);
    const events = connections.flatMap((one) => one.events);
    t.ok(events.length > 0 || path.includes('outbound_bad_number'), path);
    t.notOk(events.some(({ packet }) => packet.get('EventList') !== undefined));
  }
  const click = eventsOf(capture('asterisk-22/click_to_call/events.j'));
  t.ok(
    click.some((packet) => packet.get('Event') === 'OriginateResponse'),
    'an answer to others is an event',
  );
});

t.test('breaks the connection where it was recorded, and tells the next login what is alive', async (t) => {
  const path = capture('asterisk-22/ami_reconnect/events.j');
  const { player, port } = await playing({ captures: [path], settleMs: 400 });
  const { client, log, packets } = watchedClient({ port });
  const first = await client_list('CoreShowChannels', 0);
  t.equal(first.length, 0, 'nothing is alive at the beginning');
  await log.find((item) => item.kind === 'lost');
  const again = await client_list(
    'Status',
    log.items.findIndex((item) => item.kind === 'lost'),
  );
  t.same(
    again.map((item) => [item.get('Channel'), item.get('DNID')]),
    [
      ['PJSIP/trunk-in-00000000', '+918041110002'],
      ['PJSIP/trunk-in-00000006', '+918041110006'],
      ['PJSIP/1002-00000002', ''],
      ['PJSIP/1003-00000007', ''],
    ],
    'as recorded',
  );
  await player.done;
  const all = eventsOf(path).filter(notBooted).length;
  await log.find(() => packets().filter((packet) => notBooted(packet) && !listed(packet)).length === all);
  const [, booted] = packets().filter((packet) => !notBooted(packet));
  t.equal(booted?.get('Uptime'), '7');
  await client.close();
  await player.close();

  async function client_list(action: string, from: number) {
    await log.find((item) => item.kind === 'connected', from);
    return (await client.listAction(action)).items;
  }
});

t.test('without a recorded list, live channels are told from the packets to come', async (t) => {
  const path = capture('asterisk-22/ami_reconnect/events-filtered');
  const { player, port } = await playing({ captures: [path], settleMs: 400 });
  const { client, log } = watchedClient({ port });
  await log.find((item) => item.kind === 'lost');
  await log.find(
    (item) => item.kind === 'connected',
    log.items.findIndex((item) => item.kind === 'lost'),
  );
  const { items } = await client.listAction('CoreShowChannels');
  t.same(
    items.map((item) => item.get('Channel')).sort(),
    ['PJSIP/1002-00000002', 'PJSIP/1003-00000007', 'PJSIP/trunk-in-00000000', 'PJSIP/trunk-in-00000006'],
    'neither the call that ended in the gap nor any that was not there yet',
  );
  const trunk = items.find((item) => item.get('Channel') === 'PJSIP/trunk-in-00000000');
  t.equal(trunk?.get('BridgeId'), '432cab74-2735-4745-bd7e-f1af77607f3c');
  t.equal(trunk?.get('Uniqueid'), '1795345405.0');
  t.match(trunk?.get('Duration'), /^00:00:0\d$/);
  await client.close();
  await player.close();
});

t.test('a crash is followed by the boot as it was recorded', async (t) => {
  const { player, port } = await playing({ captures: [capture('asterisk-22/core_crash_midcall/events-f')] });
  const { client, log, packets } = watchedClient({ port });
  await player.done;
  await log.find((item) => item.kind === 'packet' && item.packet.get('Event') === 'Hangup', log.items.length);
  const lost = log.items.filter((item) => item.kind === 'lost');
  t.match(lost, [{ orderly: false }]);
  t.equal(packets().filter((packet) => !notBooted(packet)).length, 2);
  await client.close();
  await player.close();
});

t.test('moved to the present, two replays share no channel, and everything else stays', async (t) => {
  const path = capture('asterisk-22/mixmonitor_recording_channelvars/events.j');
  const before = Math.floor(Date.now() / 1000);
  const runs = [await received(path, { shiftTimes: true }), await received(path, { shiftTimes: true })];
  const original = eventsOf(path);
  const ids = runs.map((packets) => packets.flatMap((packet) => packet.all('Uniqueid')));
  const [one = [], two = []] = ids.map((list) => new Set(list)).map((set) => [...set]);
  t.equal(
    one.length,
    new Set(original.flatMap((packet) => packet.all('Uniqueid'))).size,
    'as many channels as recorded',
  );
  t.same(
    one.filter((id) => two.includes(id)),
    [],
  );
  for (const id of one)
    t.ok(Number(id.split('.')[0]) >= before && Number(id.split('.')[0]) <= Date.now() / 1000 + 1, id);
  const anonymous = (packets: readonly AmiPacket[]) => {
    const seen: string[] = [];
    const text = texts(packets.filter(notBooted)).join('');
    return text.replace(/\d{10}\.\d+/g, (id) => {
      if (!seen.includes(id)) seen.push(id);
      return `id${seen.indexOf(id)}`;
    });
  };
  t.equal(anonymous(runs[0] ?? []), anonymous(original), 'the same ids at the same places');
  const file = runs[0]?.flatMap((packet) => packet.all('ChanVariable')).find((value) => /REC_FILE=.*wav/.test(value));
  t.ok(
    one.some((id) => file?.includes(`-${id}.0`.replace('.0', '')) || file?.includes(id)),
    `${file} names a channel of this run`,
  );
});

t.test('numbers that only look like channel ids are left alone', async (t) => {
  const path = capture('asterisk-22/attended_transfer_dtmf/events.j');
  const clocks = (packets: readonly AmiPacket[]) => packets.flatMap((packet) => packet.all('SentNTP'));
  t.ok(clocks(eventsOf(path)).length > 0);
  t.same(clocks(await received(path, { shiftTimes: true })), clocks(eventsOf(path)));
});

t.test('ids behind a system name, in file names, and Timestamp are moved; bytes that are not UTF-8 stay', async (t) => {
  const text =
    'Event: A\r\nTimestamp: 1795345418.500000\r\nUniqueid: pbx1-1795345417.3\r\nFile: x-1795345417.3.wav\r\n\r\n';
  const raw = Buffer.concat([Buffer.from(text), Buffer.from([0xe9])]);
  const packet = parsePacketText(raw);
  const shift = new IdShift(packet === null ? [] : [packet], (ms) => ms + 1_000_000);
  const shifted = shift.rewrite(raw);
  const moved =
    /^Event: A\r\nTimestamp: 1795346418.500000\r\nUniqueid: pbx1-1795346417.(\d+)\r\nFile: x-1795346417.\1.wav\r\n/;
  t.match(shifted.toString('latin1'), moved);
  t.equal(shifted.at(-1), 0xe9);
});

t.test('a restarted PBX counts from 0 again; its replay has no two channels of one id', async (t) => {
  const path = capture('asterisk-22/core_restart_midcall/events.j');
  const packets = await received(path, { shiftTimes: true });
  const born = packets.filter((packet) => packet.get('Event') === 'Newchannel').map((packet) => packet.get('Uniqueid'));
  t.ok(born.length > 2);
  t.equal(new Set(born).size, born.length);
});

t.test('several captures, one after the other or together', async (t) => {
  const paths = [capture('asterisk-22/inbound_busy/events-f'), capture('asterisk-22/outbound_busy/events-f')];
  const [first = [], second = []] = paths.map((path) => texts(eventsOf(path)));
  for (const order of ['sequence', 'together'] as const) {
    const { player, port } = await playing({ captures: paths, order });
    const { client, packets, log } = watchedClient({ port });
    await player.done;
    await log.find(() => packets().length > first.length + second.length);
    const got = texts(packets().filter(notBooted));
    if (order === 'sequence') t.same(got, [...first, ...second]);
    else {
      t.same([...got].sort(), [...first, ...second].sort());
      t.not(
        got.findIndex((text) => second.includes(text)),
        first.length,
        'mixed',
      );
    }
    await client.close();
    await player.close();
  }
});

t.test('the recorded spacing is kept, divided by the speed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-player-'));
  const path = join(folder, 'c.jsonl');
  const line = (at: number, name: string) =>
    JSON.stringify({ t: at, at: new Date(1_795_345_000_000 + at).toISOString(), raw: `Event: ${name}\r\n\r\n` });
  writeFileSync(
    path,
    ['{"capture":1,"pbx":"asterisk"}', line(0, 'A'), line(10_000, 'B'), line(10_001, 'C')].join('\n'),
  );
  const { player, port } = await playing({ captures: [path], speed: 20 });
  const { client, log } = watchedClient({ port });
  const at = async (name: string) => {
    const item = await log.find((one) => one.kind === 'packet' && one.packet.get('Event') === name);
    return item.kind === 'packet' ? item.at : 0;
  };
  const gap = (await at('B')) - (await at('A'));
  t.ok(gap > 250, `10,000 ms at speed 20 are 500 ms, seen ${gap}`);
  await at('C');
  await player.done;
  await client.close();
  await player.close();

  writeFileSync(path, '{"capture":1,"pbx":"freeswitch"}\n');
  t.throws(() => new AmiPlayer({ ...WHO, captures: [path] }), {
    message: /c.jsonl: is a capture of freeswitch, not of Asterisk/,
  });
  writeFileSync(path, '{"capture":1,"pbx":"asterisk"}\n{"t":1}\n');
  t.throws(() => new AmiPlayer({ ...WHO, captures: [path] }), { message: /c.jsonl: line 2: "at" is not a time/ });
  rmSync(folder, { recursive: true });
});
