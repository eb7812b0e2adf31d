import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import winston from 'winston';
import { chooseFormat, createLog, type LogOptions } from '../../../adapters/host/log.ts';
import { Secret } from '../../../src/secret.ts';
import { Phone } from '../../../src/telephony/mask.ts';
import { anyText } from '../../support/runs.ts';

function collect(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const log = createLog({
    level: 'info',
    format: 'json',
    maskNumbers: true,
    journal: false,
    colour: false,
    output: {
      transport: new winston.transports.Stream({ stream, eol: '\n' }),
      backlog: () => 0,
      flush: async () => {},
    },
    now: () => Date.UTC(2026, 10, 22, 8, 4, 35, 7),
    ...options,
  });
  return { log, lines, last: (): Record<string, unknown> => JSON.parse((lines.at(-1) ?? '').replace(/^<\d>/, '')) };
}

t.test('one JSON object a line, with time, level, event, text and fields', async (t) => {
  const { log, lines } = collect();
  log.write('notice', 'source-connected', 'Asterisk is connected', { source: 'pbx1', frames: 3, none: undefined });
  t.same(lines, [
    '{"time":"2026-11-22T08:04:35.007Z","level":"notice","event":"source-connected","text":"Asterisk is connected","source":"pbx1","frames":3}\n',
  ]);
});

t.test('the journal gets its priorities', async (t) => {
  const { log, lines } = collect({ journal: true, level: 'debug' });
  for (const level of ['error', 'warn', 'notice', 'info', 'debug'] as const) log.write(level, 'x', 'y');
  t.same(
    lines.map((line) => line.slice(0, 4)),
    ['<3>{', '<4>{', '<5>{', '<6>{', '<7>{'],
  );
});

t.test('a reader that stalls costs no memory, and is told what it missed', async (t) => {
  const lines: string[] = [];
  let waiting = 0;
  const stream = new Writable({ write: (chunk, _encoding, done) => done(void lines.push(String(chunk))) });
  const { log } = collect({
    output: {
      transport: new winston.transports.Stream({ stream, eol: '\n' }),
      backlog: () => waiting,
      flush: async () => {},
    },
  });
  waiting = 5_000_000;
  for (let n = 0; n < 3; n += 1) log.write('info', 'x', 'not kept');
  t.same(lines, []);
  log.write('error', 'x', 'kept');
  waiting = 0;
  log.write('info', 'x', 'kept again');
  t.same(
    lines.map((line) => JSON.parse(line)).map(({ event, count }) => [event, count]),
    [
      ['log-entries-dropped', 3],
      ['x', undefined],
      ['x', undefined],
    ],
  );
});

t.test('levels', async (t) => {
  const { log, lines } = collect();
  log.write('debug', 'x', 'not shown');
  log.setLevel('debug');
  log.write('debug', 'x', 'shown');
  log.setLevel('warn');
  log.write('notice', 'x', 'not shown');
  t.equal(lines.length, 1);
});

t.test('errors show message, code, cause and stack', async (t) => {
  const { log, last } = collect();
  const cause = Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' });
  log.write('error', 'x', 'y', { error: new TypeError('no way', { cause }) });
  t.match(last(), {
    error: {
      name: 'TypeError',
      message: 'no way',
      stack: /log\.test/,
      cause: { code: 'ECONNREFUSED', stack: /refused/ },
    },
  });
});

t.test('a field cannot take the place of the entry itself', async (t) => {
  const { log, last } = collect();
  log.write('warn', 'event-name', 'text', { level: 'error', event: 'forged', message: 'm', time: 1 });
  t.match(last(), {
    level: 'warn',
    event: 'event-name',
    text: 'text',
    _level: 'error',
    _event: 'forged',
    message: 'm',
    _time: 1,
  });
});

t.test('numbers are masked by type and in text, ids are not', async (t) => {
  const { log, lines, last } = collect();
  log.write('info', 'x', 'call from +919845012345', {
    from: new Phone('+919845012345'),
    call: 'pbx1-1795345418.104',
    channel: '1795345418.104',
    list: ['09845012345'],
    body: { SourceNumber: '+91-9845012345' },
    error: new Error('no lead for 9845012345'),
  });
  t.match(last(), {
    text: 'call from ***2345',
    from: '***2345',
    call: 'pbx1-1795345418.104',
    channel: '1795345418.104',
  });
  t.notMatch(lines.join(''), /98450/);
});

t.test('mask_numbers = false shows them', async (t) => {
  const { log, last } = collect({ maskNumbers: false });
  log.write('info', 'x', 'from +919845012345', { from: new Phone('+919845012345') });
  t.match(last(), { text: 'from +919845012345', from: '+919845012345' });
});

t.test('secrets are hidden wherever and however they stand', async (t) => {
  const { log, lines } = collect({ maskNumbers: false });
  const key = 'u$r"4711/äkey';
  log.hide(new Secret(key));
  log.write('info', 'x', `text ${key}`, {
    plain: key,
    nested: { url: `https://x/?accessKey=${encodeURIComponent(key)}`, body: JSON.stringify({ key }) },
    error: new Error(`refused ${key}`),
    secret: new Secret(key),
    [`name ${key}`]: 1,
  });
  t.notMatch(lines.join(''), /4711/);
  t.match(lines.join(''), /\[secret\]/);
  t.doesNotThrow(() => JSON.parse(lines[0] ?? ''));
});

t.test('a secret that begins with another one is hidden whole', async (t) => {
  const { log, last } = collect();
  for (const secret of ['logcalld', 'logcalld-Tr0ub4dor&3']) log.hide(new Secret(secret));
  log.write('info', 'x', 'refused logcalld-Tr0ub4dor&3', { url: 'https://x/?q="accessKey=hunter-two"' });
  t.match(last(), { text: 'refused [secret]', url: 'https://x/?q="accessKey=[secret]"' });
});

t.test('whatever is logged, an entry is one line, without steering signs, and JSON', async (t) => {
  const { log, lines } = collect({ journal: true });
  const text = collect({ format: 'text', level: 'info' });
  const hostile = fc.oneof(anyText(), fc.constantFrom('a\n<0>forged', '\u001b[2J', '\u009b31m', '\u202eabc', '\r'));
  const property = fc.property(hostile, fc.anything(), (words, value) => {
    log.write('warn', 'x', words, { value, words });
    text.log.write('warn', 'x', words, { value, words });
    const line = lines.at(-1) ?? '';
    JSON.parse(line.slice(3));
    return [line, text.lines.at(-1) ?? ''].every((each) => !/[\p{Cc}\u2028\u202e]/u.test(each.slice(0, -1)));
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 120 }));
});

t.test('values that cannot be shown do not throw', async (t) => {
  const { log, last } = collect();
  const ring: Record<string, unknown> = {};
  ring.self = ring;
  const trap = {
    get boom(): string {
      throw new Error('trap');
    },
  };
  log.write('info', 'x', 'y', {
    ring,
    trap,
    big: 10n,
    nan: Number.NaN,
    run: () => {},
    bytes: new Uint8Array(3),
    date: new Date(0),
    map: new Map([['a', 1]]),
    set: new Set([1]),
    long: 'x'.repeat(10_000),
    many: Array.from({ length: 60 }, () => 1),
    wrong: new Date(Number.NaN),
  });
  t.match(last(), {
    trap: '[not readable]',
    big: '10',
    nan: 'NaN',
    run: '[function]',
    bytes: '[3 bytes]',
    date: '1970-01-01T00:00:00.000Z',
    map: { a: 1 },
    set: [1],
    long: /x\.\.\. \(10000 characters\)$/,
    many: { 50: '... (60 items)' },
    wrong: null,
  });
});

t.test('text for a terminal', async (t) => {
  const plain = collect({ format: 'text' });
  plain.log.write('warn', 'crm-unreachable', 'LeadSquared does not answer', { attempt: 3, reason: 'two words' });
  t.match(
    plain.lines[0],
    /^\d\d:\d\d:35\.007 WARN {3}LeadSquared does not answer \[crm-unreachable\] attempt=3 reason="two words"\n$/,
  );
  const coloured = collect({ format: 'text', colour: true });
  coloured.log.write('warn', 'x', 'evil \u001b[2J');
  t.ok(coloured.lines[0]?.includes('\u001b[33mWARN'));
  t.notOk(coloured.lines[0]?.includes('\u001b[2J'));
});

t.test('the form follows where the log goes', async (t) => {
  t.same(chooseFormat('auto', {}, true), { format: 'text', journal: false, colour: true });
  t.same(chooseFormat('auto', { NO_COLOR: '1' }, true), { format: 'text', journal: false, colour: false });
  t.same(chooseFormat('auto', {}, false), { format: 'json', journal: false, colour: false });
  t.same(chooseFormat('auto', { JOURNAL_STREAM: '8:1' }, false), { format: 'json', journal: true, colour: false });
  t.same(chooseFormat('text', { JOURNAL_STREAM: '8:1' }, false), { format: 'text', journal: true, colour: false });
  t.same(chooseFormat('json', {}, true), { format: 'json', journal: false, colour: true });
});

t.test('the console: all on standard output, nothing lost at exit, a closed reader does no harm', async (t) => {
  const log = join(import.meta.dirname, '../../../adapters/host/log.ts');
  const script = `
    const { createLog } = await import(${JSON.stringify(log)});
    const log = createLog({ level: 'debug', format: 'json', maskNumbers: true, journal: false, colour: false });
    for (let n = 0; n < 2000; n += 1) log.write(n % 2 ? 'error' : 'debug', 'x', 'line', { n });
    await log.flush();
    process.exit(0);`;
  const all = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  t.equal(all.stderr, '');
  t.equal(all.stdout.trim().split('\n').length, 2_000);
  const head = spawnSync(
    'sh',
    [
      '-c',
      `"$0" --input-type=module -e "$1" | head -1; echo done`,
      process.execPath,
      script.replace(
        'process.exit(0);',
        "setTimeout(() => { log.write('info', 'x', 'late'); console.error('alive'); }, 1);",
      ),
    ],
    {
      encoding: 'utf8',
    },
  );
  t.match(head.stdout, /"n":0.*\ndone/);
  t.equal(head.stderr, 'alive\n');
});
