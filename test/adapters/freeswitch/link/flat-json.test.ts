/** What is read of an event header by header is what reading the whole JSON gives. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { parseFrameText } from '../../../../adapters/freeswitch/link/codec.ts';
import { type EslEvent, eventOf } from '../../../../adapters/freeswitch/link/event.ts';
import { FlatJson } from '../../../../adapters/freeswitch/link/flat-json.ts';
import { anyText, runs } from '../../../support/runs.ts';
import { recordedFrames } from '../support.ts';

const NAMES = [
  'Event-Name',
  'Unique-ID',
  'variable_a',
  'variable_b',
  'x',
  '',
  '__proto__',
  'toString',
  'é',
  'q"q',
  'b\\s',
];
const ASKED = [...NAMES, 'never', 'length'];

function valueIn(body: Buffer, name: string): unknown {
  const whole = JSON.parse(body.toString('utf8'));
  return Object.hasOwn(whole, name) ? whole[name] : undefined;
}

const text = fc.oneof(
  anyText(),
  fc.constantFrom('', '"', '\\', '\\"', '","x":"', '{"x":"1"}', 'v=0\r\no=-', '日本', '\ud83d\ude00', ']', '}'),
);
const value = fc.oneof({ weight: 6, arbitrary: text }, fc.array(text, { minLength: 1 }));
const headers = fc.array(fc.tuple(fc.constantFrom(...NAMES), value), { minLength: 1, maxLength: 12 });
/** Names may repeat, which `JSON.stringify` would not write. */
const written = (all: readonly (readonly [string, string | string[]])[]) =>
  `{${all.map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`).join(',')}}`;

t.test('each header has the value that the whole JSON has', async (t) => {
  let flat = 0;
  fc.assert(
    fc.property(headers, fc.option(fc.tuple(fc.nat(), fc.nat(255))), (all, change) => {
      const body = Buffer.from(written(all));
      // A byte that is not UTF-8, or no JSON any more.
      if (change !== null) body[change[0] % body.length] = Math.max(32, change[1]);
      const read = FlatJson.read(body);
      if (read === null) return;
      flat += 1;
      for (const name of ASKED) assert.deepEqual(read.value(name), valueIn(body, name), name);
      assert.deepEqual(read.names(), Object.keys(JSON.parse(body.toString('utf8'))));
    }),
    runs(1000, 10_000),
  );
  t.ok(flat > 150, `${flat} were of that form`);
});

t.test('what is of another form is left to the reader of any JSON', async (t) => {
  const others = ['', '{', '{}', '[]', 'null', '{"a":1}', '{"a":null}', '{"a":[]}', '{"a":{"b":"c"}}', '{ "a":"b"}'];
  const broken = ['{"a":"b"', '{"a":"b",}', '{"a":"b"}}', '{"a":"\\x"}', '{"a":["b",]}', '{"a\\u0062":"c"}', '{"a":"b'];
  broken.push('{"a":"\\u12g4"}', '{"a":"\\u12"}', '{"a":"\\', '{"a":"\\n\u0001"}', '{"a":"\\u"}', '{"a":["\\x"]}');
  for (const one of [...others, ...broken]) t.equal(FlatJson.read(Buffer.from(one)), null, one);
});

t.test('recorded events, many times over: every header', async (t) => {
  let compared = 0;
  const listed = (event: EslEvent | null, name: string) => event?.list(name);
  for (const scenario of ['names_utf8', 'queue_answered', 'attended_refer']) {
    for (const raw of recordedFrames(scenario)) {
      const { body, contentType } = parseFrameText(raw);
      if (contentType !== 'text/event-json' || body === null) continue;
      const bytes = Buffer.from(body);
      const whole = eventOf(JSON.parse(bytes.toString('utf8')));
      const read = FlatJson.read(bytes);
      if (read === null) continue;
      const one = eventOf(Object.fromEntries(read.names().map((name) => [name, read.value(name)])));
      for (const name of read.names()) assert.deepEqual(listed(one, name), listed(whole, name), name);
      compared += 1;
    }
  }
  t.ok(compared > 50, `${compared} events were of that form`);
});
