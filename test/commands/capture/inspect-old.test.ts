/** A capture of an Asterisk that does not say which channels make a call. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { amiCaptureProblem } from '../../../adapters/asterisk/capture.ts';
import { readFrames } from '../../../adapters/asterisk/player/recording.ts';
import { parseConfig } from '../../../config/load.ts';
import { checkSource } from '../../../src/commands/check/reach.ts';
import { Secret } from '../../../src/secret.ts';
import { captures, scriptedServer } from '../../adapters/asterisk/support.ts';
import { logcalld } from '../../cli/world.ts';

const GREETING = 'Asterisk Call Manager/1.3\r\n';
const CHANNEL = 'Event: Newchannel\r\nChannel: SIP/trunk-in-00000001\r\nUniqueid: 1795156200.101\r\n\r\n';
const problem = (...frames: string[]) =>
  amiCaptureProblem(
    'old.jsonl',
    frames.map((text) => Buffer.from(text)),
  );

t.test('what gives it away', async (t) => {
  const sentence = /^old.jsonl is of Asterisk 11 or older \(.*\): .*; Asterisk 13 or newer is needed\.$/;
  for (const version of ['1.0', '1.1', '1.2', '1.3'])
    t.match(problem(`Asterisk Call Manager/${version}\r\n`), sentence);
  t.match(problem(GREETING, CHANNEL), /\("Asterisk Call Manager\/1.3"\)/);
  t.match(problem(CHANNEL, 'Event: Dial\r\nSubEvent: Begin\r\n\r\n'), /\(it has the event Dial\)/);
  t.match(problem('Event: Bridge\r\nBridgestate: Link\r\n\r\n'), /\(it has the event Bridge\)/);
  t.match(problem('Event: Unlink\r\nUniqueid1: 1.1\r\n\r\n'), /\(it has the event Unlink\)/);
  t.match(problem(CHANNEL), /\(its channels have no Linkedid\)/);
});

t.test('13 and newer are never taken for it', async (t) => {
  for (const version of ['2.0.0', '2.5.0', '2.10.6', '2.8.0', '3.2.2', '5.0.4', '11.0.0', '12.0.0'])
    t.equal(problem(`Asterisk Call Manager/${version}\r\n`, CHANNEL, 'Event: Dial\r\n\r\n'), null, version);
  t.equal(problem('Event: Hangup\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n\r\n', CHANNEL), null);
  t.equal(problem(), null);
  t.equal(problem('Event: UserEvent\r\nUserEvent: Dial\r\n\r\n'), null);
  const wrong = captures().filter((path) => {
    const frames = readFrames(path).map(({ raw }) => raw);
    return [frames, frames.slice(1)].some((some) => amiCaptureProblem(path, some) !== null);
  });
  t.same(wrong, [], 'of the recordings, with and without their greeting');
});

t.test('inspect tells it in one sentence, and reads the other files', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-old-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const old = join(folder, 'old.jsonl');
  const hangup = CHANNEL.replace('Newchannel', 'Hangup');
  const lines = [GREETING, CHANNEL, hangup].map((raw) => JSON.stringify({ t: 0, at: '2026-11-20T06:30:00.000Z', raw }));
  writeFileSync(old, ['{"capture":1,"pbx":"asterisk"}', ...lines, ''].join('\n'));
  const path = (url: string) => new URL(url, import.meta.url).pathname;
  const good = path('../../fixtures/recordings/asterisk-22/inbound_answered_caller_hangs_up/events.jsonl.gz');
  const words = ['inspect', old, good, '--config', path('../../fixtures/lab.toml'), '--json'];
  const run = await logcalld(...words);
  t.equal(run.code, 0, 'one refused capture does not spoil the others');
  t.match(run.error, /^logcalld: \S+old\.jsonl is of Asterisk 11 or older .*Asterisk 13 or newer is needed\.\n$/);
  const calls = run.out.split('\n').filter((line) => line !== '');
  t.ok(calls.length > 0 && calls.every((line) => line.includes(good) && !line.includes(old)));
});

t.test('check-config tells it too, and never sends the secret', async (t) => {
  const server = await scriptedServer(GREETING);
  t.teardown(server.close);
  const text = `[[source]]
type = 'asterisk'
name = 'pbx1'
port = ${server.port}
username = 'logcalld'
[leadsquared]
host = 'api-in21.leadsquared.com'
`;
  const [source] = parseConfig(text, 'logcalld.toml').source;
  if (source === undefined) throw new Error('no source');
  const finding = await checkSource(source, new Secret('pw'), ['replace it']);
  t.match(finding, { level: 'FAIL', text: /is of Asterisk 11 or older \("Asterisk Call Manager\/1.3"\).*13 or newer/ });
  t.notOk(finding.commands, 'another secret would not help');
  t.same(server.peers.items[0]?.actions.items, []);
});
