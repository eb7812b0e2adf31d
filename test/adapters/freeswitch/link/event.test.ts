import t from 'tap';
import { parseFrameText } from '../../../../adapters/freeswitch/link/codec.ts';
import { type EslEvent, readEvent, readJson } from '../../../../adapters/freeswitch/link/event.ts';
import { asObject, jsonFrame, recordedFrames } from '../support.ts';

function event(raw: string | Uint8Array): EslEvent {
  const reading = readEvent(parseFrameText(raw));
  if ('problem' in reading) throw new Error(reading.problem);
  return reading.event;
}

function plain(lines: string, inner = ''): string {
  const body = `${lines}\n${inner === '' ? '' : `Content-Length: ${Buffer.byteLength(inner)}\n`}\n${inner}`;
  return `Content-Length: ${Buffer.byteLength(body)}\nContent-Type: text/event-plain\n\n${body}`;
}

function problem(raw: string | Uint8Array): string {
  const reading = readEvent(parseFrameText(raw));
  return 'problem' in reading ? reading.problem : 'none';
}

t.test('arrays, single strings and ARRAY:: are understood the same', async (t) => {
  const json = event(
    jsonFrame({ 'Event-Name': 'X', one: 'a', two: ['a', 'b'], marked: 'ARRAY::a|:b', n: 5, nil: null, no: [] }),
  );
  t.strictSame(json.list('one'), ['a']);
  t.strictSame(json.list('two'), ['a', 'b']);
  t.strictSame(json.list('marked'), ['a', 'b']);
  t.strictSame([json.get('one'), json.get('two'), json.get('marked')], ['a', 'a', 'a']);
  t.strictSame(
    [json.get('n'), json.get('nil'), json.get('no'), json.get('absent')],
    ['5', undefined, undefined, undefined],
  );
  t.strictSame(json.list('absent'), []);
  const text = event(plain('Event-Name: X\none: a\ntwo: ARRAY%3A%3Aa%7C%3Ab%2520\n'));
  t.strictSame(text.list('one'), ['a']);
  t.strictSame(text.list('two'), ['a', 'b%20'], 'decoded once');
  t.equal(text.get('two'), 'a');
});

t.test('plain values: %XX are bytes, + is a plus, a lone % stays', async (t) => {
  const one = event(
    plain(
      'Event-Name: X\nnumber: %2B9198+1\nname: Jos%E9 %E0%A4%B0\nodd: 50% off %zz %\nlf: a%20b%0Ac%3A d\nempty: \n',
    ),
  );
  t.equal(one.get('number'), '+9198+1');
  t.equal(one.get('name'), 'Jos\ufffd \u0930');
  t.equal(one.get('odd'), '50% off %zz %');
  t.equal(one.get('lf'), 'a b\nc: d');
  t.equal(one.get('empty'), '');
});

t.test('the second body of a plain event is what JSON calls _body', async (t) => {
  const inner = '+OK 7a96\n\nEvent-Name: FAKE\n\u00e9\n';
  const one = event(plain('Event-Name: BACKGROUND_JOB\nJob-UUID: 1', inner));
  t.equal(one.get('_body'), inner);
  t.equal(one.name, 'BACKGROUND_JOB');
  t.strictSame(one.names(), ['Event-Name', 'Job-UUID', 'Content-Length', '_body']);
  const json = event(
    jsonFrame({
      'Event-Name': 'BACKGROUND_JOB',
      'Job-UUID': '1',
      'Content-Length': String(Buffer.byteLength(inner)),
      _body: inner,
    }),
  );
  t.strictSame(asObject(one), asObject(json));
  const short = 'Event-Name: X\nContent-Length: 9\n\nabc';
  t.match(problem(`Content-Length: ${short.length}\nContent-Type: text/event-plain\n\n${short}`), /inner body shorter/);
});

t.test('names of headers that are names of everything in JavaScript', async (t) => {
  const body = '{"Event-Name":"X","__proto__":"a","constructor":"b"}';
  const json = event(`Content-Length: ${body.length}\nContent-Type: text/event-json\n\n${body}`);
  const text = event(plain('Event-Name: X\n__proto__: a\nconstructor: b'));
  for (const one of [json, text]) {
    t.strictSame([one.get('__proto__'), one.get('constructor')], ['a', 'b']);
    t.strictSame([one.get('toString'), one.get('hasOwnProperty'), one.list('valueOf')], [undefined, undefined, []]);
  }
});

t.test('a body that cannot be read is told of without showing it', async (t) => {
  const number = '+919845012345';
  for (const body of [`{"Caller": "${number}" oops}`, `{"Caller": "${number}`, `["${number}"]`, '', 'null']) {
    const text = problem(`Content-Length: ${body.length}\nContent-Type: text/event-json\n\n${body}`);
    t.match(text, /text\/event-json/, body);
    t.notMatch(text, /9845/, 'no number in the message');
  }
  t.match(problem(jsonFrame({ a: '1' })), /has no Event-Name/);
  t.match(problem(plain('no colon here')), /without a colon/);
  t.match(problem('Content-Type: text/event-xml\nContent-Length: 1\n\n<'), /no kind that this program asked for/);
  t.match(readJson('[1]'), { problem: /not an object/ });
});

t.test('recorded names: Latin-1 bytes, line feeds, quotes, percent signs', async (t) => {
  const names = new Set<string>();
  for (const raw of recordedFrames('names_utf8')) {
    const frame = parseFrameText(raw);
    if (frame.contentType === 'text/event-json') names.add(event(raw).get('Caller-Caller-ID-Name') ?? '');
  }
  for (const name of [
    'Jos\ufffd Mu\ufffdoz',
    'a b\nc',
    "O'Brien, S\u00e9an & Co; 50%25 off".replace('%25', '%'),
    '\u65e5\u672c \u592a\u90ce \ud83d\ude00',
    'Tab\\\\Back <x>',
    '%{uuid} $1',
  ]) {
    t.ok(names.has(name), JSON.stringify(name));
  }
});

/**
 * The plain recordings are of another client of the same calls: the same events in the same order, but for what depends
 * on the moment of serialising. Whatever both have must be equal, but for a value that holds `%20` already: FreeSWITCH
 * does not encode that percent sign again in plain.
 */
t.test('json and plain give the same events', async (t) => {
  for (const scenario of ['in_answered_caller_hangup', 'queue_answered', 'attended_refer', 'names_utf8']) {
    const read = (file: string) =>
      recordedFrames(scenario, file)
        .filter((raw) => parseFrameText(raw).contentType.startsWith('text/event-'))
        .map((raw) => event(raw));
    const json = read('events.jsonl.gz');
    const text = read('events-plain.jsonl.gz');
    const bySequence = new Map(text.map((one) => [`${one.get('Core-UUID')} ${one.get('Event-Sequence')}`, one]));
    let compared = 0;
    for (const one of json) {
      const other = bySequence.get(`${one.get('Core-UUID')} ${one.get('Event-Sequence')}`);
      if (other === undefined) continue;
      compared++;
      t.strictSame(onceEncoded(asObject(one)), asObject(other), `${scenario} ${one.name}`);
    }
    t.comment(`${scenario}: ${compared} of ${json.length} events compared`);
    t.same(
      json.map(({ name }) => name),
      text.map(({ name }) => name),
      `${scenario}: the same events`,
    );
  }
});

function onceEncoded(event: Record<string, readonly string[]>): Record<string, readonly string[]> {
  const decode = (value: string) => (/%[0-9A-F]{2}/.test(value) ? decodeURIComponent(value) : value);
  return Object.fromEntries(Object.entries(event).map(([name, values]) => [name, values.map(decode)]));
}

t.test('control characters that were not escaped cost nothing, wherever they stand', async (t) => {
  const body = (text: string) => {
    const bytes = Buffer.from(text);
    const head = `Content-Length: ${bytes.length}\nContent-Type: text/event-json\n\n`;
    return readEvent(parseFrameText(Buffer.concat([Buffer.from(head), bytes])));
  };
  const list = body('{"Event-Name":"CHANNEL_CREATE","variable_x":["a\u0001b","c\nd"],"variable_y":"e\u0007f"}');
  t.ok('event' in list);
  if (!('event' in list)) return;
  t.same(list.event.list('variable_x'), ['a\u0001b', 'c\nd']);
  t.equal(list.event.get('variable_y'), 'e\u0007f');
  t.same(list.event.names(), ['Event-Name', 'variable_x', 'variable_y']);
  const escaped = body('{"Event-Name":"CHANNEL_CREATE","variable_x":"a\\"\u0001b","é":"\u0002"}');
  t.ok('event' in escaped);
  if (!('event' in escaped)) return;
  t.equal(escaped.event.get('variable_x'), 'a"\u0001b');
  t.equal(escaped.event.get('é'), '\u0002');
  t.match(body('{"Event-Name":\u0001"x"}'), { problem: /is not valid JSON/ });
});
