import fc from 'fast-check';
import t from 'tap';
import {
  EslParser,
  encodeCommand,
  type FrameLimits,
  parseFrameText,
} from '../../../../adapters/freeswitch/link/codec.ts';
import { recordedFrames } from '../support.ts';

/** Frames of every type that FreeSWITCH was recorded to send, one of each, and two that only its source shows. */
function oneOfEach(): readonly Buffer[] {
  const found = new Map<string, Buffer>();
  const files = [
    ['shutdown_midcall', 'events.jsonl.gz'],
    ['esl_reconnect_midcall', 'events.jsonl.gz'],
    ['attended_refer', 'events-plain.jsonl.gz'],
  ] as const;
  for (const [scenario, file] of files) {
    for (const raw of recordedFrames(scenario, file)) {
      const type = parseFrameText(raw).contentType;
      const known = found.get(type);
      if (known === undefined || raw.length < known.length) found.set(type, raw);
    }
  }
  found.set(
    'text/rude-rejection',
    Buffer.from('Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n'),
  );
  found.set('empty', Buffer.from('Content-Type: api/response\nContent-Length: 0\n\n'));
  return [...found.values()];
}

function cut(parser: EslParser, chunks: readonly Uint8Array[]): readonly Buffer[] {
  return chunks.flatMap((chunk) => parser.push(chunk)).map(({ raw }) => Buffer.from(raw));
}

t.test('every type of frame is read', async (t) => {
  const types = oneOfEach().map((raw) => parseFrameText(raw).contentType);
  t.strictSame(types.sort(), [
    'api/response',
    'api/response',
    'auth/request',
    'command/reply',
    'text/disconnect-notice',
    'text/event-json',
    'text/event-plain',
    'text/rude-rejection',
  ]);
  t.equal(parseFrameText('Content-Type: auth/request\n\n').body, null);
  t.equal(parseFrameText('Content-Type: api/response\nContent-Length: 0\n\n').body?.length, 0);
});

t.test('frames are the same at every split of the stream', async (t) => {
  const frames = oneOfEach();
  const stream = Buffer.concat(frames);
  for (let at = 0; at <= stream.length; at++) {
    const got = cut(new EslParser(), [stream.subarray(0, at), stream.subarray(at)]);
    if (got.length !== frames.length || !Buffer.concat(got).equals(stream))
      t.fail(`split at byte ${at}: ${got.length} frames`);
  }
  t.strictSame(
    cut(
      new EslParser(),
      [...stream].map((byte) => Buffer.of(byte)),
    ),
    frames,
    'byte by byte',
  );
});

t.test('frames are the same while the buffer is moved and grown', async (t) => {
  // Short frames, so that a border falls into a header block again and again.
  const frames = Array.from({ length: 9_000 }, (_, i) => {
    const body = 'x'.repeat(i % 23);
    return Buffer.from(`Content-Type: api/response\nContent-Length: ${body.length}\n\n${body}`);
  });
  const stream = Buffer.concat(frames);
  for (const size of [997, 4_093, 65_521]) {
    const parser = new EslParser();
    const got: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) got.push(...cut(parser, [stream.subarray(at, at + size)]));
    t.equal(got.length, frames.length, `chunks of ${size}`);
    t.ok(Buffer.concat(got).equals(stream));
  }
});

t.test('frames are the same at any chunking', async () => {
  const frames = recordedFrames('names_utf8').slice(0, 40);
  const stream = Buffer.concat(frames);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 60 }), (cuts) => {
      const borders = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const chunks = borders.slice(1).map((to, i) => stream.subarray(borders[i], to));
      const parser = new EslParser();
      const got = cut(parser, chunks);
      return got.length === frames.length && Buffer.concat(got).equals(stream) && parser.pendingBytes === 0;
    }),
    { numRuns: 60 },
  );
});

t.test('bodies are cut by bytes, whatever they are', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 50 }),
      (bodies, size) => {
        const stream = Buffer.concat(
          bodies.map((body) =>
            Buffer.concat([Buffer.from(`Content-Type: x/y\nContent-Length: ${body.length}\n\n`), body]),
          ),
        );
        const parser = new EslParser();
        const got: Uint8Array[] = [];
        for (let at = 0; at < stream.length; at += size) {
          for (const frame of parser.push(stream.subarray(at, at + size)))
            got.push(frame.body ?? Buffer.from('no body'));
        }
        return (
          got.length === bodies.length && got.every((body, i) => Buffer.from(body).equals(Buffer.from(bodies[i] ?? [])))
        );
      },
    ),
    { numRuns: 150 },
  );
});

t.test('header names in any case and order, odd values, stray blank lines', async (t) => {
  const frame = parseFrameText(
    '\n\nCONTENT-TYPE: Text/Event-JSON; charset=utf-8\r\ncontent-length:2\nReply-Text: +OK 100% done %41\n\n{}',
  );
  t.equal(frame.contentType, 'text/event-json');
  t.equal(frame.headers.get('reply-text'), '+OK 100% done %41', 'values of the outer block are not decoded');
  t.equal(Buffer.from(frame.body ?? []).toString(), '{}');
  const odd = parseFrameText('Content-Type: command/reply\n__proto__: polluted\nconstructor: 1\n\n');
  t.equal(odd.headers.get('__proto__'), 'polluted');
  t.equal(odd.headers.get('constructor'), '1');
  t.equal(odd.headers.get('toString'), undefined);
  t.equal(Reflect.get({}, 'polluted'), undefined);
});

/** A parser that has read a greeting, and what it has left out. */
function greeted(limits?: FrameLimits) {
  const skipped: string[] = [];
  const parser = new EslParser(limits, (problem) => skipped.push(problem));
  parser.push(Buffer.from('Content-Type: auth/request\n\n'));
  return { parser, skipped };
}

const reply = 'Content-Type: command/reply\nReply-Text: +OK\n\n';
const eventFrame = 'Content-Length: 19\nContent-Type: text/event-json\n\n{"Event-Name": "Y"}';

t.test('lengths that cannot be are no beginning of a connection', async (t) => {
  for (const length of ['-1', '1e3', '12.5', '0x10', '', '268435457', '99999999999999999999', 'NaN']) {
    const one = new EslParser();
    t.equal(one.push(Buffer.from(`Content-Length: ${length}\n\n{}`)).length, 0);
    t.match(one.problem, /announced a Content-Length/, `"${length}"`);
    t.equal(one.push(Buffer.from(reply)).length, 0, 'nothing is read after it');
  }
  const two = new EslParser();
  two.push(Buffer.from('Content-Length: 1\nContent-Length: 2\n\nab'));
  t.match(two.problem, /two different/);
});

t.test('later, a frame that cannot be followed is left out and told, and the next one is read', async (t) => {
  const bad = [
    'Content-Length: x\nContent-Type: text/event-json\n\n{"Event-Name": "X"}',
    'Content-Length: 1\nContent-Length: 2\nContent-Type: text/event-json\n\nab',
    'Content-Type: text/event-json\n\n{"Event-Name": "X", "body": "Content-Type: text/plain\\n"}',
    'garbage\n\n',
    'Content-Type: x\n{"garbage"}\n\n',
    `Content-Type: x\nX: ${'x'.repeat(70_000)}\n\n`,
    'Content-Length: 268435457\nContent-Type: api/response\n\n',
    'Content-Length: 3\nContent-Type: text/event-json\nno header\n\n{}\n',
  ];
  for (const garbage of bad) {
    for (const next of [reply, eventFrame]) {
      const stream = Buffer.from(garbage + next + reply);
      for (const size of [1, 7, 1_000, stream.length]) {
        const { parser, skipped } = greeted();
        const got: Uint8Array[] = [];
        for (let at = 0; at < stream.length; at += size) {
          for (const frame of parser.push(stream.subarray(at, at + size))) got.push(frame.raw);
        }
        const where = `${garbage.slice(0, 40)} in chunks of ${size}`;
        t.strictSame(
          got.map((raw) => Buffer.from(raw).toString()),
          [next, reply],
          where,
        );
        t.equal(skipped.length, 1, where);
        t.equal(parser.problem, null, where);
      }
    }
  }
});

t.test('a stream that goes on without a frame is given up', async (t) => {
  const limits = { headerBytes: 1_000, bodyBytes: 10_000, absurdBytes: 100_000 };
  const { parser, skipped } = greeted(limits);
  parser.push(Buffer.from('garbage\n'));
  for (let i = 0; i < 9; i += 1) parser.push(Buffer.from('x'.repeat(1_000)));
  t.equal(parser.problem, null);
  t.ok(parser.pendingBytes < 100, 'nothing of it is kept');
  for (let i = 0; i < 2; i += 1) parser.push(Buffer.from('x'.repeat(1_000)));
  t.match(parser.problem, /"garbage" where a header was expected/);
  t.equal(skipped.length, 1);
});

t.test('a body that is too long is passed over without being kept, at any chunking', async (t) => {
  const limits = { headerBytes: 100, bodyBytes: 10, absurdBytes: 1_000 };
  const whole = (body: string) => Buffer.from(`Content-Type: x/y\nContent-Length: ${body.length}\n\n${body}`);
  const frames = ['0123456789', 'a'.repeat(11), '', '\n\nfoo'.repeat(60), 'b'];
  const stream = Buffer.concat(frames.map(whole));
  for (const size of [1, 2, 7, 50, 333, stream.length]) {
    const parser = new EslParser(limits);
    const got = [];
    for (let at = 0; at < stream.length; at += size) got.push(...parser.push(stream.subarray(at, at + size)));
    t.strictSame(
      got.map(({ body, passedOver }) => (body === null ? passedOver : Buffer.from(body).toString())),
      ['0123456789', 11, '', 300, 'b'],
      `chunks of ${size}`,
    );
    t.equal(parser.pendingBytes, 0);
    t.match(Buffer.from(got[1]?.raw ?? []).toString(), /Content-Length: 11\n\n$/, 'only the header is left of it');
  }
  const absurd = new EslParser(limits);
  absurd.push(Buffer.from('Content-Length: 1001\n\n'));
  t.match(absurd.problem, /at most 1000 bytes/);
});

t.test('16 MB are read', async (t) => {
  const size = 16 * 1024 * 1024;
  const parser = new EslParser();
  parser.push(Buffer.from(`Content-Length: ${size}\n\n`));
  const piece = Buffer.alloc(64 * 1024, 'x');
  let body: Uint8Array | null = null;
  for (let sent = 0; sent < size; sent += piece.length) body = parser.push(piece)[0]?.body ?? body;
  t.equal(body?.length, size);
});

t.test('a header block without end, and what is no header', async (t) => {
  const endless = new EslParser();
  for (let i = 0; i < 70 && endless.problem === null; i++) endless.push(Buffer.from(`X: ${'x'.repeat(1020)}`));
  t.match(endless.problem, /more than 65536 bytes/);
  const ami = new EslParser();
  ami.push(Buffer.from('Asterisk Call Man'));
  t.equal(ami.problem, null);
  ami.push(Buffer.from('ager/7.0.3\r\n'));
  t.match(ami.problem, /"Asterisk Call Manager\/7.0.3"/, 'told at the end of the first line');
  const later = new EslParser();
  later.push(Buffer.from('Content-Type: x\n{"garbage"}\n\n'));
  t.match(later.problem, /where a header was expected/);
});

t.test('a large body in small pieces takes time in proportion', async (t) => {
  // Counts the bytes copied instead of the time: a buffer that is copied whole at each chunk fails by a factor of 1000.
  const original = Buffer.prototype.copy;
  let copied = 0;
  Buffer.prototype.copy = function (this: Buffer, target: Uint8Array, at?: number, from = 0, to = this.length) {
    copied += to - from;
    return original.call(this, target, at, from, to);
  };
  t.teardown(() => {
    Buffer.prototype.copy = original;
  });
  const size = 2 * 1024 * 1024;
  const parser = new EslParser();
  parser.push(Buffer.from(`Content-Length: ${size}\n\n`));
  const piece = Buffer.alloc(512, 'x');
  let frames = 0;
  for (let sent = 0; sent < size; sent += piece.length) frames += parser.push(piece).length;
  t.equal(frames, 1);
  t.ok(copied < 4 * size, `${copied} bytes copied`);
});

t.test('a line of a capture is exactly one frame', async (t) => {
  t.throws(() => parseFrameText('Content-Length: 5\n\nabc'), /0 complete, 22 bytes left over/);
  t.throws(() => parseFrameText('Content-Type: a\n\nContent-Type: b\n\n'), /2 complete/);
  t.throws(() => parseFrameText('HTTP/1.1 400 Bad Request\r\n'), /not an event socket frame/);
});

t.test('a command is one line', async (t) => {
  t.equal(Buffer.from(encodeCommand('api status')).toString(), 'api status\n\n');
  for (const bad of ['api x\nauth y', 'api x\r', 'a\0b', 'a\x7fb'])
    t.throws(() => encodeCommand(bad), /control characters/);
});
