import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parseFrameText } from '../../../../adapters/freeswitch/link/codec.ts';
import { type EslEvent, readEvent } from '../../../../adapters/freeswitch/link/event.ts';
import { EslPlayer, type PlayerOptions } from '../../../../adapters/freeswitch/player/player.ts';
import { freshIds, loadScript, rewriteWith, shiftTimes } from '../../../../adapters/freeswitch/player/script.ts';
import { dumpChannel, listChannels } from '../../../../adapters/freeswitch/snapshot/queries.ts';
import { asObject, jsonFrame, recordedFrames, recording, Seen, watch } from '../support.ts';

const all = { events: ['ALL'], custom: [] };

function recordedEvents(scenario: string): readonly EslEvent[] {
  return recordedFrames(scenario).flatMap((raw) => {
    const reading = readEvent(parseFrameText(raw));
    return 'event' in reading ? [reading.event] : [];
  });
}

async function play(
  t: { teardown(run: () => Promise<void>): void },
  options: Partial<PlayerOptions> & { file: string },
) {
  const player = new EslPlayer({ password: 'lab-only', speed: Number.POSITIVE_INFINITY, graceMs: 1, ...options });
  const port = await player.listen();
  t.teardown(() => player.close());
  const done = new Seen<true>();
  player.on('done', () => done.add(true));
  return { player, port, done };
}

t.test('every event of a recording comes to the client as recorded', async (t) => {
  for (const scenario of ['in_answered_caller_hangup', 'names_utf8']) {
    const expected = recordedEvents(scenario);
    const { port, done } = await play(t, { file: recording(scenario) });
    const { client, events } = watch(port, { subscription: all });
    await done.count(1);
    await events.count(expected.length);
    t.strictSame(events.all.map(asObject), expected.map(asObject), scenario);
    await client.close();
  }
});

t.test('one byte at a time', async (t) => {
  const expected = recordedEvents('in_unknown_did');
  const { port } = await play(t, { file: recording('in_unknown_did'), faults: { pieceBytes: 1 } });
  const { client, events, raw } = watch(port, { subscription: all });
  await events.count(expected.length);
  t.strictSame(events.all.map(asObject), expected.map(asObject));
  const sent = recordedFrames('in_unknown_did');
  t.ok(Buffer.concat(raw.all).includes(Buffer.concat(sent.slice(-4))), 'the exact bytes are handed on');
  t.strictSame(Buffer.from(raw.all[0] ?? []), sent[0], 'from the greeting on');
  await client.close();
});

t.test('only what was subscribed to is sent', async (t) => {
  const { port, done } = await play(t, { file: recording('queue_answered') });
  const subscription = { events: ['CHANNEL_CREATE', 'CHANNEL_ANSWER'], custom: ['callcenter::info'] };
  const { client, events } = watch(port, { subscription });
  await done.count(1);
  const expected = recordedEvents('queue_answered').filter(
    (event) => subscription.events.includes(event.name) || event.get('Event-Subclass') === 'callcenter::info',
  );
  t.strictSame((await events.count(expected.length)).map(asObject), expected.map(asObject));
  t.equal(client.counters().unknownEvents, 0);
  await client.close();
});

t.test('of CUSTOM only the subclasses asked for', async (t) => {
  const { port, done } = await play(t, { file: recording('queue_answered') });
  const { client, events } = watch(port, {
    subscription: { events: ['CHANNEL_DESTROY'], custom: ['vm::maintenance'] },
  });
  await done.count(1);
  await events.count(2);
  t.strictSame(
    events.all.map(({ name }) => name),
    ['CHANNEL_DESTROY', 'CHANNEL_DESTROY'],
  );
  await client.close();
});

t.test(
  'where the recorded client reconnected the connection is closed, and its questions are answered as recorded',
  async (t) => {
    const { port, done, player } = await play(t, { file: recording('esl_reconnect_midcall'), graceMs: 20_000 });
    const commands = new Seen<string>();
    player.on('command', commands.add);
    const { client, clock, connected, lost, events } = watch(port, { subscription: all });
    await connected.count(1);
    t.strictSame(await listChannels(client), [], 'before the first event there are none');
    await lost.count(1);
    const before = events.all.length;
    t.equal(before, 25);
    clock.advance(500);
    await connected.count(2);
    t.equal(connected.all[1]?.coreUuid, 'b5c544ff-783d-416d-be76-0c01f3a540cb');
    t.equal(connected.all[1]?.bootedAt, clock.now() - 143_992, 'from the recorded status');
    const rows = await listChannels(client);
    t.equal(rows.length, 6);
    for (const row of rows) {
      t.equal(events.all.length, before, 'no event comes while the recorded questions are asked');
      const dump = await dumpChannel(client, row.get('uuid') ?? '');
      t.equal(dump?.event.name, 'CHANNEL_DATA');
      t.equal(dump?.event.get('Unique-ID'), row.get('uuid'));
    }
    t.equal(await dumpChannel(client, 'nobody'), null);
    await done.count(1);
    await events.count(46);
    t.strictSame(events.all.map(asObject), recordedEvents('esl_reconnect_midcall').slice(-46).map(asObject));
    t.strictSame(await listChannels(client), [], 'all legs have ended');
    t.notMatch(commands.all, [/lab-only/]);
    await client.close();
  },
);

t.test('a goodbye is played too, and the play goes on after it', async (t) => {
  const { port, done } = await play(t, { file: recording('shutdown_midcall') });
  const { client, clock, connected, lost, events } = watch(port, { subscription: all });
  await lost.count(1);
  t.equal(lost.all[0]?.orderly, true);
  clock.advance(500);
  await done.count(1);
  await events.count(91);
  t.not(connected.all[0]?.coreUuid, connected.all[1]?.coreUuid, 'another process');
  await client.close();
});

t.test('a connection cut in the middle of a frame: the list says what lives, the play goes on', async (t) => {
  const total = recordedEvents('in_answered_caller_hangup');
  const { port, done } = await play(t, {
    file: recording('in_answered_caller_hangup'),
    graceMs: 20_000,
    faults: { dropAfter: 12 },
  });
  const { client, clock, connected, lost, events } = watch(port, { subscription: all });
  await connected.count(1);
  t.strictSame(await listChannels(client), []);
  await lost.count(1);
  t.equal(events.all.length, 12);
  const alive = [...new Set(total.slice(0, 13).map((event) => event.get('Unique-ID') ?? ''))];
  clock.advance(500);
  await connected.count(2);
  const rows = await listChannels(client);
  t.strictSame(rows.map((row) => row.get('uuid')).sort(), alive.sort());
  const dump = await dumpChannel(client, alive[0] ?? '');
  t.equal(dump?.event.name, 'CHANNEL_DATA');
  t.ok(dump?.event.get('Channel-Name'));
  t.equal(events.all.length, 12, 'the play waits for a client that asks');
  for (const uuid of alive.slice(1)) await dumpChannel(client, uuid);
  await done.count(1);
  await events.count(total.length - 1);
  t.strictSame(
    events.all.map((event) => event.get('Event-Sequence')),
    total.filter((_, i) => i !== 12).map((event) => event.get('Event-Sequence')),
    'one frame is lost with the connection',
  );
  await client.close();
});

t.test('going mute is noticed, and the next connection goes on', async (t) => {
  const total = recordedEvents('in_unknown_did').length;
  const { port } = await play(t, { file: recording('in_unknown_did'), faults: { halfOpenAfter: 2 } });
  const { client, clock, lost, events } = watch(port, { subscription: all });
  await events.count(2);
  while (lost.all.length === 0) {
    clock.advance(10_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.match(lost.all, [{ reason: /gone silent/ }]);
  clock.advance(500);
  await events.count(total);
  await client.close();
});

t.test('refusals', async (t) => {
  const { player, port } = await play(t, { file: recording('in_unknown_did'), faults: { refuseAuth: true } });
  const refused = watch(port);
  t.match(await refused.states.until(({ state }) => state === 'refused'), { problem: /refused the password/ });
  await refused.client.close();
  delete player.faults.refuseAuth;
  const wrong = watch(port, { password: 'nope' });
  t.match(await wrong.states.until(({ state }) => state === 'refused'), { problem: /refused the password/ });
  await wrong.client.close();
  player.faults.rudeRejection = true;
  const rude = watch(port);
  t.match(await rude.states.until(({ state }) => state === 'refused'), { problem: /apply-inbound-acl/ });
  await rude.client.close();
  delete player.faults.rudeRejection;
  const misspelt = watch(port, { subscription: { events: ['CHANEL_CREATE'], custom: [] } });
  t.match(await misspelt.states.until(({ state }) => state === 'refused'), { problem: /no keywords supplied/ });
  await misspelt.client.close();
});

t.test('fresh uuids and times of today, byte for byte as long', async (t) => {
  const now = 1_900_000_000_123;
  const { startedAt, connections } = await loadScript(recording('esl_reconnect_midcall'));
  const frames = connections.flatMap((connection) => connection.frames);
  const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
  const once = () => {
    const rewrite = rewriteWith(freshIds(), shiftTimes(startedAt, now));
    return frames.map(({ raw }) => rewrite(raw));
  };
  const [first, second] = [once(), once()];
  const ids = (raws: readonly Buffer[]) => raws.map((raw) => raw.toString('latin1').match(uuid) ?? []);
  const before = ids(frames.map(({ raw }) => raw)).flat();
  const after = ids(first).flat();
  const map = new Map(before.map((id, i) => [id, after[i]]));
  t.strictSame(
    before.map((id) => map.get(id)),
    after,
    'the same uuid is always replaced by the same',
  );
  t.equal(new Set(map.values()).size, map.size, 'different ones stay different');
  const seen = new Set(before);
  t.notOk(
    [...after, ...ids(second).flat()].some((id) => seen.has(id)),
    'none of the recording is left',
  );
  t.notOk(
    ids(second)
      .flat()
      .some((id) => new Set(after).has(id)),
    'two plays share none',
  );
  first.forEach((raw, i) => {
    t.equal(raw.length, frames[i]?.raw.length);
    const reading = readEvent(parseFrameText(raw));
    if (!('event' in reading)) throw new Error(reading.problem);
    const { event } = reading;
    const at = Number(event.get('Event-Date-Timestamp')) / 1000;
    if (Math.abs(at - now - (frames[i]?.t ?? 0)) > 1_000) t.fail(`${event.name}: ${at}`);
    if (event.get('Event-Date-Local') !== new Date(at).toISOString().slice(0, 19).replace('T', ' '))
      t.fail('local time');
    const created = event.get('variable_start_uepoch');
    if (created !== undefined) t.equal(String(Math.floor(Number(created) / 1e6)), event.get('variable_start_epoch'));
  });
  const plain =
    'Event-Date-Local: 2026-11-22%2010%3A54%3A00\nCaller-Caller-ID-Number: 14155550123 1234567890 9198450123450000';
  t.equal(
    shiftTimes(startedAt, startedAt + 61_000)(plain),
    'Event-Date-Local: 2026-11-22%2010%3A55%3A01\nCaller-Caller-ID-Number: 14155550123 1234567890 9198450123450000',
    'phone numbers stay',
  );
});

t.test('what is not a capture is refused', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'logcalld-player-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'capture.jsonl');
  const lines = (...values: object[]) => writeFile(file, values.map((value) => JSON.stringify(value)).join('\n'));
  await lines({ capture: 1, pbx: 'asterisk' });
  await t.rejects(loadScript(file), /capture\.jsonl: is a capture of asterisk, not of FreeSWITCH/);
  await lines({ capture: 1, pbx: 'freeswitch' });
  await t.rejects(loadScript(file), /holds no frames/);
  const at = '2026-11-22T10:00:00.000Z';
  await lines({ capture: 1, pbx: 'freeswitch' }, { t: 0, at, raw: 'Content-Length: 5\n\nab' });
  await t.rejects(loadScript(file), /not exactly one event socket frame/);
  const frame = jsonFrame({ 'Event-Name': 'HEARTBEAT' }).toString();
  await lines({ capture: 1, pbx: 'freeswitch' }, { t: 0, at, raw: frame }, { t: 9, at, raw: frame, conn: 2 });
  t.strictSame(
    (await loadScript(file)).connections.map(({ from, frames }) => [from, frames.length]),
    [
      [0, 1],
      [9, 1],
    ],
  );
});
