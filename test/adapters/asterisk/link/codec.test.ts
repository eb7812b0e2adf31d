import fc from 'fast-check';
import t from 'tap';
import { AmiParser, type AmiProtocolError, encodeAction } from '../../../../adapters/asterisk/link/codec.ts';
import { type AmiPacket, parsePacketText, textOf, unescapeValue } from '../../../../adapters/asterisk/link/packet.ts';
import { readFrames } from '../../../../adapters/asterisk/player/recording.ts';
import { anyText } from '../../../support/runs.ts';
import { captures } from '../support.ts';

interface Parsed {
  readonly greetings: string[];
  readonly packets: AmiPacket[];
  readonly errors: AmiProtocolError[];
  readonly skipped: string[];
}

function collect(limits = {}): Parsed & { parser: AmiParser } {
  const parsed: Parsed = { greetings: [], packets: [], errors: [], skipped: [] };
  const parser = new AmiParser(
    {
      onGreeting: (line) => parsed.greetings.push(line),
      onPacket: (packet) => parsed.packets.push(packet),
      onSkipped: (what) => parsed.skipped.push(what),
      onError: (error) => parsed.errors.push(error),
    },
    limits,
  );
  return { ...parsed, parser };
}

function parse(...chunks: (string | Uint8Array)[]): Parsed {
  const { parser, ...parsed } = collect();
  for (const chunk of chunks) parser.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return parsed;
}

/** What matters of a parse, in a form that compares fast. */
function shape(parsed: Parsed): string {
  return JSON.stringify([parsed.greetings, parsed.errors.length, parsed.packets.map((packet) => packet.headers)]);
}

const GREETING = 'Asterisk Call Manager/11.0.0\r\n';
const [names] = captures(/asterisk-16\/weird_names\/events\.jsonl/);
const weird = names === undefined ? [] : readFrames(names);

t.test('a packet keeps the order and the repetition of its headers', async (t) => {
  const text =
    'Event: X\r\nChanVariable: A=1\r\nchanvariable: low\r\nChanVariable: B=2:3\r\nExten: \r\nNoBlank:v\r\nTwo:  b \r\n\r\n';
  const { packets, greetings } = parse(GREETING, text);
  t.same(greetings, ['Asterisk Call Manager/11.0.0']);
  t.equal(packets.length, 1);
  const packet = packets[0];
  t.same(packet?.headers, [
    ['Event', 'X'],
    ['ChanVariable', 'A=1'],
    ['chanvariable', 'low'],
    ['ChanVariable', 'B=2:3'],
    ['Exten', ''],
    ['NoBlank', 'v'],
    ['Two', ' b '],
  ]);
  t.equal(packet?.get('ChanVariable'), 'A=1');
  t.same(packet?.all('ChanVariable'), ['A=1', 'B=2:3']);
  t.equal(packet?.get('constructor'), undefined);
  t.same(packet?.all('toString'), []);
  t.equal(Buffer.from(packet?.raw ?? []).toString(), text);
});

t.test('greetings of other products, and bare line feeds', async (t) => {
  t.same(parse('PBX Call Manager/5.0.4\nEvent: A\nB: c\n\nEvent: D\n\n').packets.length, 2);
  t.same(parse('\r\n\r\nPBX Call Manager/5.0.4\r\n').greetings, ['PBX Call Manager/5.0.4']);
  t.same(parse('Asterisk Call', ' Manager/5\r', '\n').greetings, ['Asterisk Call Manager/5']);
});

t.test('empty lines between packets are skipped', async (t) => {
  const { packets } = parse(GREETING, '\r\n\r\nEvent: A\r\n\r\n\r\n\n\r\nEvent: B\r\n\r\n\r\n');
  t.same(
    packets.map((packet) => packet.get('Event')),
    ['A', 'B'],
  );
});

t.test('real packets, split at every byte', async (t) => {
  // Packets with names in Devanagari, in bytes that are not UTF-8, and with quotes.
  const broken = weird.filter(({ raw }) => raw.toString('utf8').includes('\uFFFD'));
  const odd = [...weird.filter(({ raw }) => raw.some((byte) => byte > 127)).slice(0, 4), ...broken.slice(0, 3)];
  t.equal(odd.length, 7);
  const others = captures(/(?:ami_reconnect|queue_rona)\/events\.jsonl/).flatMap((path) =>
    readFrames(path).slice(1, 5),
  );
  const stream = Buffer.concat([Buffer.from(GREETING), ...[...odd, ...others].map(({ raw }) => raw)]);
  const whole = shape(parse(stream));
  t.equal(parse(stream).packets.length, odd.length + others.length);
  let wrong = 0;
  for (let at = 0; at <= stream.length; at += 1) {
    if (shape(parse(stream.subarray(0, at), stream.subarray(at))) !== whole) wrong += 1;
  }
  t.equal(wrong, 0, `of ${stream.length} offsets`);
  t.equal(shape(parse(...[...stream].map((byte) => Uint8Array.of(byte)))), whole, 'byte by byte');
});

t.test('any chunking of a whole recording gives the same packets', async (t) => {
  const stream = Buffer.concat(weird.map(({ raw }) => raw));
  const whole = shape(parse(stream));
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 40 }), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const chunks = at.slice(1).map((end, i) => stream.subarray(at[i], end));
      return shape(parse(...chunks)) === whole;
    }),
    { numRuns: 30 },
  );
  t.ok(whole.length > 10_000);
});

t.test('packets made of anything survive any chunking', async (t) => {
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_()-]{0,12}$/);
  const value = anyText().map((text) => text.replace(/[\r\n]/g, ''));
  const headers = fc.array(fc.tuple(name, value), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(headers, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 30 })), (packets, sizes) => {
      const text = packets.map((lines) => `${lines.map(([key, one]) => `${key}: ${one}\r\n`).join('')}\r\n`).join('');
      const stream = Buffer.from(GREETING + text);
      const { parser, ...parsed } = collect();
      for (let at = 0, i = 0; at < stream.length; i += 1) {
        const size = sizes[i % (sizes.length || 1)] ?? stream.length;
        parser.push(stream.subarray(at, at + size));
        at += size;
      }
      const wanted = packets.map((lines) => lines.map(([key, one]) => [key, Buffer.from(one).toString()]));
      return JSON.stringify(parsed.packets.map((packet) => packet.headers)) === JSON.stringify(wanted);
    }),
    { numRuns: 80 },
  );
  t.pass();
});

t.test('bytes that are not UTF-8 become replacement characters and stay in raw', async (t) => {
  const bytes = Buffer.concat([
    Buffer.from('Event: N\r\nCallerIDName: Jos'),
    Buffer.from([0xe9]),
    Buffer.from('\r\n\r\n'),
  ]);
  const [packet] = parse(GREETING, bytes, 'Event: Next\r\n\r\n').packets;
  t.equal(packet?.get('CallerIDName'), 'Jos\uFFFD');
  t.same(Buffer.from(packet?.raw ?? []), bytes);
});

t.test('raw bytes of a packet are its own, whatever is read later', async (t) => {
  const { parser, packets } = collect();
  const chunk = Buffer.from(`${GREETING}Event: A\r\n\r\nEvent: Bc`);
  parser.push(chunk);
  chunk.fill('x');
  const next = Buffer.from('d\r\n\r\n');
  parser.push(next);
  next.fill('x');
  parser.push(Buffer.from('Event: Other\r\n\r\n'));
  t.same(
    packets.map(({ raw }) => Buffer.from(raw).toString()),
    ['Event: A\r\n\r\n', 'Event: Bcd\r\n\r\n', 'Event: Other\r\n\r\n'],
  );
});

t.test('old answers to Command', async (t) => {
  const old =
    'Response: Follows\r\nPrivilege: Command\r\nActionID: 7\r\nName: value\nsecond\n\nEvent: Hangup\n\n--END COMMAND--\r\n\r\nEvent: A\r\n\r\n';
  const check = (parsed: Parsed) => {
    t.equal(parsed.packets.length, 2);
    t.equal(parsed.packets[0]?.get('ActionID'), '7');
    t.same(parsed.packets[0]?.all('Output'), ['Name: value', 'second', '', 'Event: Hangup', '']);
    t.equal(parsed.packets[1]?.get('Event'), 'A');
  };
  check(parse(GREETING, old));
  check(parse(GREETING, ...[...old]));
  t.same(parse(GREETING, 'Response: Follows\r\nno line end--END COMMAND--\r\n\r\n').packets[0]?.all('Output'), [
    'no line end',
  ]);
  const recent =
    'Response: Success\r\nActionID: 8\r\nMessage: Command output follows\r\nOutput: a\r\nOutput: \r\nOutput: b\r\n\r\n';
  t.same(parse(GREETING, recent).packets[0]?.all('Output'), ['a', '', 'b']);
});

t.test('limits', async (t) => {
  t.test('a beginning that is no greeting', async (t) => {
    const { parser, errors, packets } = collect();
    const chunk = Buffer.alloc(1000, 'x');
    for (let i = 0; i < 5; i += 1) parser.push(chunk);
    t.match(errors[0]?.message, /longer than 4096 bytes.*check that the port/);
    parser.push(Buffer.from('\r\nEvent: A\r\n\r\n'));
    t.same([errors.length, packets.length], [1, 0], 'said once, and nothing after it');
    t.equal(parse(`${'x'.repeat(5000)}\r\n`).errors.length, 1, 'in one chunk too');
  });

  t.test('a line of 16 MB is read', async (t) => {
    const value = 'v'.repeat(16 << 20);
    const { parser, packets, skipped } = collect();
    const stream = Buffer.from(`${GREETING}Event: VarSet\r\nValue: ${value}\r\n\r\nEvent: A\r\n\r\n`);
    for (let at = 0; at < stream.length; at += 60_000) parser.push(stream.subarray(at, at + 60_000));
    t.same([packets.map((packet) => packet.get('Event')), skipped], [['VarSet', 'A'], []]);
    t.equal(packets[0]?.get('Value')?.length, value.length);
  });

  t.test('looks at each byte once', async (t) => {
    // A scan that starts over with each chunk would look at some 10^12 bytes here and never end.
    const { parser, errors } = collect({ maxPacketBytes: 1 << 25 });
    parser.push(Buffer.from(GREETING));
    const chunk = Buffer.alloc(500, 'x');
    for (let i = 0; i < 64_000; i += 1) parser.push(chunk);
    t.equal(errors.length, 0);
  });

  t.test('300 MB without an end are left out, and nothing of them is kept', async (t) => {
    const { parser, errors, skipped, packets } = collect();
    const line = Buffer.from(`Event: ${'y'.repeat(992)}\n`);
    const huge = Buffer.alloc(100_000_000, line);
    const before = process.memoryUsage().arrayBuffers;
    parser.push(Buffer.from(GREETING));
    for (let i = 0; i < 3; i += 1) parser.push(huge);
    t.same([skipped.length, errors.length], [1, 0], 'told once');
    t.match(skipped[0], /more than \d+ (?:bytes|lines)/);
    t.ok(
      process.memoryUsage().arrayBuffers - before < 60_000_000,
      'no more than what the limit allows, counted with what it outgrew',
    );
    parser.push(Buffer.from('\r\n\r\nEvent: A\r\n\r\n'));
    t.same(
      packets.map((packet) => packet.get('Event')),
      ['A'],
    );
  });

  t.test('lines of one packet', async (t) => {
    const { parser, packets, skipped } = collect({ maxLines: 3 });
    parser.push(Buffer.from(`${GREETING}A: 1\r\nB: 2\r\nC: 3\r\n\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\nE: 5\r\n\r\n`));
    t.same(
      packets.map(({ headers }) => headers.length),
      [3, 1],
    );
    t.match(skipped, ['more than 3 lines']);
  });

  t.test('a packet that is too large is left out to its own end, however it is cut', async (t) => {
    const small = 'Event: A\r\nB: c\r\n\r\n';
    const large = [
      `Event: Large\r\nValue: ${'x'.repeat(300)}\r\n\r\n`,
      `Event: Large\r\n${'Value: x\r\n'.repeat(30)}\r\n`,
      `Event: Large\n${'Value: x\n'.repeat(30)}\n`,
      `Event: Large\r\n${'Value: x\r\n'.repeat(30)}Response: Follows\r\n\r\n`,
      `Response: Follows\r\nActionID: 7\r\n${'y'.repeat(300)}\n\nEvent: Hangup\n\n--END COMMAND--\r\n\r\n`,
    ];
    for (const text of large) {
      const stream = Buffer.from(`${GREETING}${small}${text}${small}`);
      let wrong = 0;
      for (let size = 1; size <= stream.length; size += 1) {
        const { parser, packets, skipped } = collect({ maxPacketBytes: 100 });
        for (let at = 0; at < stream.length; at += size) parser.push(stream.subarray(at, at + size));
        const seen = packets.map(({ raw }) => Buffer.from(raw).toString());
        if (seen.join('|') !== `${small}|${small}` || skipped.length !== 1) wrong += 1;
      }
      t.equal(wrong, 0, JSON.stringify(text.slice(0, 20)));
    }
  });
});

t.test('stop() in the middle of a chunk ends the delivery', async (t) => {
  const seen: AmiPacket[] = [];
  const parser = new AmiParser({
    onGreeting: () => {},
    onPacket: (packet) => {
      seen.push(packet);
      parser.stop();
    },
    onSkipped: () => t.fail('nothing is left out'),
    onError: () => t.fail('no error'),
  });
  parser.push(Buffer.from(`${GREETING}Event: A\r\n\r\nEvent: B\r\n\r\n`));
  parser.push(Buffer.from('Event: C\r\n\r\n'));
  t.equal(seen.length, 1);
});

t.test('one packet of a capture file', async (t) => {
  t.equal(parsePacketText(GREETING), null);
  t.equal(parsePacketText('\r\n\r\n'), null);
  t.equal(parsePacketText('\r\nEvent: A\r\nName: x\r\n\r\n')?.get('Name'), 'x');
  const single = weird.slice(1).map(({ raw }) => parsePacketText(raw)?.headers);
  const stream = weird.slice(1).flatMap(({ raw }) => parse(GREETING, raw).packets.map(({ headers }) => headers));
  t.equal(single.length, weird.length - 1);
  t.same(single, stream);
});

t.test('AMI escapes names of channel events and nothing else', async (t) => {
  t.equal(
    unescapeValue('John D\\\'Souza \\"x\\" \\\\ \\n\\r\\t\\a\\b\\f\\v\\? \\z'),
    'John D\'Souza "x" \\ \n\r\t\x07\b\f\v? \\z',
  );
  const event = (name: string, header: string) => parsePacketText(`Event: ${name}\r\n${header}: D\\'Souza\r\n\r\n`);
  const text = (name: string, header: string) => {
    const packet = event(name, header);
    return packet === null ? '' : textOf(packet, header);
  };
  t.equal(text('Newchannel', 'CallerIDName'), "D'Souza");
  t.equal(text('DialBegin', 'DestConnectedLineName'), "D'Souza");
  t.equal(text('VarSet', 'Value'), "D'Souza");
  t.equal(text('CEL', 'CallerIDname'), "D\\'Souza");
  t.equal(text('Cdr', 'CallerID'), "D\\'Souza");
  t.equal(text('Status', 'EffectiveConnectedLineName'), "D\\'Souza");
  t.equal(text('Newchannel', 'Exten'), "D\\'Souza");
  t.equal(
    event('Newchannel', 'CallerIDName')?.get('CallerIDName'),
    "D\\'Souza",
    'the value of the wire stays reachable',
  );
  const names = new Set(
    weird.flatMap(({ raw }) => parsePacketText(raw) ?? []).map((packet) => textOf(packet, 'CallerIDName')),
  );
  t.ok(names.has('O\'Brien, \\"Quoted\\" & <Sons>; Ltd, \\\\back'), [...names].join('\n'));
  t.ok(names.has('  spaces around, \tTab  '), 'blanks are kept');
});

t.test('actions are written with nothing smuggled in', async (t) => {
  const bytes = encodeAction(
    'Login',
    [
      ['Username', 'a: b'],
      ['Secret', 'ü'],
    ],
    '1-2',
  );
  t.equal(bytes.toString(), 'Action: Login\r\nActionID: 1-2\r\nUsername: a: b\r\nSecret: ü\r\n\r\n');
  for (const bad of ['x\r\n\r\nAction: Command', 'x\ny', 'x\ry', 'x\0', 'x\x1b', 'x\x7f']) {
    t.throws(() => encodeAction('Login', [['Secret', bad]], '1'), {
      message: /value of Secret holds a control character/,
    });
    t.throws(() => encodeAction(bad, [], '1'), { message: /control character/ });
    t.throws(() => encodeAction('Ping', [], bad), { message: /control character/ });
    t.throws(() => encodeAction('Ping', [[bad, 'v']], '1'), { message: /bad header name/ });
  }
  t.throws(() => encodeAction('Ping', [['A: b', 'v']], '1'), { message: /bad header name/ });
  t.throws(() => encodeAction('Ping', [['A', 'v'.repeat(1100)]], '1'), { message: /too long/ });
});
