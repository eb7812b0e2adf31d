/** Capture files: read whole or line by line, and what is wrong with them told with its place. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { captureHeader, captureLine, captureOf } from '../../src/capture/file.ts';

const START = Date.parse('2026-11-22T10:00:00Z');
const HEAD = captureHeader('asterisk');
const read = (text: string) => captureOf(Buffer.from(text), 'c.jsonl');

t.test('what was written is read again, compressed or not, whatever the bytes', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ raw: fc.uint8Array(), ms: fc.nat(100_000), connection: fc.integer({ min: 1, max: 3 }) })),
      (frames) => {
        const lines = frames.map(({ ms, ...frame }) => captureLine({ ...frame, receivedAt: START + ms }, START));
        const bytes = Buffer.from(HEAD + lines.join(''));
        return [bytes, gzipSync(bytes)].every((file) => {
          const { pbx, frames: got } = captureOf(file, 'c.jsonl');
          return (
            pbx === 'asterisk' &&
            got.length === frames.length &&
            got.every(({ raw, receivedAt, connection, t }, i) => {
              const wanted = frames[i];
              return (
                wanted !== undefined &&
                raw.equals(wanted.raw) &&
                connection === wanted.connection &&
                t === wanted.ms &&
                receivedAt === START + wanted.ms
              );
            })
          );
        });
      },
    ),
    { numRuns: 50 },
  );
});

t.test('without t, the capture begins with its first frame', async (t) => {
  const at = (ms: number) => JSON.stringify({ at: new Date(START + ms).toISOString(), raw: 'x' });
  t.same(
    read(`${HEAD}${at(500)}\n${at(800)}\n`).frames.map((frame) => frame.t),
    [0, 300],
  );
});

t.test('what is wrong is told with its place', async (t) => {
  const cases: readonly [string, RegExp][] = [
    ['', /^c.jsonl: is empty; a capture file begins with/],
    ['hello\n', /^c.jsonl: is not a capture file: .*Make one with: logcalld capture FILE$/],
    ['{"capture":2}\n', /^c.jsonl: line 1: not a capture file/],
    [`${HEAD}\n{"t":1`, /^c.jsonl: line 3: not a JSON object; was the file cut off/],
    [`${HEAD}{"t":1}\n`, /^c.jsonl: line 2: "at" is not a time/],
    [`${HEAD}{"at":"2026-11-22T10:00:00.304Z"}\n`, /^c.jsonl: line 2: has neither "raw" nor "rawBase64"/],
  ];
  for (const [text, message] of cases) t.throws(() => read(text), { message }, text);
});
