/** Frames that were kept are read the same way for every PBX, and one that cannot be read costs itself. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { frameReaders } from '../../adapters/index.ts';
import { DEFAULT_RULES } from '../../src/call/correlate.ts';
import { frameReader } from '../../src/capture/reader.ts';
import { inspectFrames } from '../../src/inspect.ts';
import { logcalld } from '../cli/world.ts';
import { labPlan } from '../support/recordings.ts';

const at = Date.parse('2026-11-22T10:00:00Z');
const greetings: Readonly<Record<string, string>> = {
  asterisk: 'Asterisk Call Manager/11.0.0\r\n',
  freeswitch: 'Content-Type: auth/request\n\n',
};

t.test('a greeting is the beginning of a connection, whatever the PBX', async (t) => {
  for (const [pbx, greeting] of Object.entries(greetings)) {
    t.strictSame(
      frameReaders[pbx]?.(Buffer.from(greeting), 'pbx', at),
      [{ kind: 'source-connected', source: 'pbx', at, receivedAt: at, boot: null, bootedAt: null }],
      pbx,
    );
  }
});

t.test('a frame that cannot be read is counted, and the others are read', async (t) => {
  const read = frameReader((raw, source, receivedAt) => {
    if (raw[0] === 0) throw new Error('It is of no kind.');
    return [{ kind: 'snapshot-complete', source, at: receivedAt, receivedAt }];
  });
  const frames = [1, 0, 0, 1].map((byte, i) => ({ receivedAt: at + i, connection: 1, raw: Buffer.of(byte) }));
  const { unread } = inspectFrames(frames, read, 'pbx', labPlan('asterisk'), DEFAULT_RULES);
  t.strictSame(unread, { count: 2, first: 'It is of no kind.' });
  const well = inspectFrames(frames.slice(0, 1), read, 'pbx', labPlan('asterisk'), DEFAULT_RULES);
  t.equal(well.unread, null);
});

t.test('inspect tells of it, and tells the calls', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-capture-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = (url: string) => new URL(url, import.meta.url).pathname;
  const good = path('../fixtures/recordings/freeswitch-1.11/in_answered_caller_hangup/events.jsonl.gz');
  const [head, ...lines] = gunzipSync(readFileSync(good)).toString('utf8').split('\n');
  const bad = JSON.stringify({ t: 0, at: '2026-11-22T10:00:00.000Z', raw: 'Content-Length: 5\n\nab' });
  const file = join(folder, 'bad.jsonl');
  writeFileSync(file, [head, bad, ...lines].join('\n'));
  const words = ['inspect', file, '--config', path('../fixtures/lab.toml'), '--json'];
  const run = await logcalld(...words);
  t.equal(run.code, 0);
  t.match(run.error, /bad\.jsonl: 1 frame could not be read and was left out: This is not exactly one event socket/);
  t.match(run.out, /"direction":"Inbound"/);
});
