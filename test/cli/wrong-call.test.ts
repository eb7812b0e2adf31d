/** The page "A call is wrong": its commands, as they stand there, with what they print, on a call that a real FreePBX made. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Ran, settled, world } from './world.ts';

t.setTimeout(60_000);

const PAGE = new URL('../../config/wrong-call.md', import.meta.url);
const CAPTURE = 'recordings/freepbx-17/internal_forwarded/events.jsonl.gz';
const ID = '1795625723.506';

interface Step {
  readonly words: readonly string[];
  readonly expected: readonly string[];
}

/** The commands of the page, each with what is said to come of it. */
function stepsOf(page: string): Step[] {
  const steps: { words: string[]; expected: string[] }[] = [];
  for (const line of page.split('\n')) {
    const command = /^ {4}\$ (.*)$/.exec(line)?.[1];
    if (command !== undefined) steps.push({ words: command.split(' '), expected: [] });
    else if (line.startsWith('    ')) steps.at(-1)?.expected.push(line.slice(4));
  }
  return steps;
}

/** A line without what differs from one call to the next: ids, times, lengths, and how wide that makes a column. */
const plain = (line: string): string =>
  line
    .replace(/\b1\d{9}\.\d+/g, 'ID')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
    .replace(/(?<=\b1001 +)\d+(?= +(?:skipped|delivered))/, 'SEC')
    .replace(/TIME \([^)]*\)/, 'TIME')
    .replace(/\.\.\.$/, '')
    .replace(/ +/g, ' ')
    .trim();

t.test('the commands of the page do what it says', async (t) => {
  const it = await world([CAPTURE]);
  t.teardown(() => it.end());
  await it.start();
  await settled(it, 1);
  const [row] = (await it.run('calls', '--json')).out.split('\n');
  const id = /asterisk-(\d+\.\d+)/.exec(row ?? '')?.[1] ?? '';
  const file = join(it.directory, 'logcalld.toml');
  copyFileSync(new URL(`../fixtures/${CAPTURE}`, import.meta.url), join(it.directory, 'wrong.jsonl'));
  const steps = stepsOf(readFileSync(PAGE, 'utf8'));
  t.ok(steps.length >= 9);
  for (const { words, expected } of steps) {
    const [program, name, ...rest] = words[1] === 'logcalld' ? words.slice(1) : words;
    if (program === 'sudo') {
      t.same(words, ['sudo', 'systemctl', 'restart', 'logcalld']);
      await it.stop();
      await it.start();
      continue;
    }
    t.equal(program, 'logcalld');
    // Needs a PBX; what it would write is there.
    if (name === 'capture') continue;
    if (name === 'calls') await settled(it, 1);
    const given = [name ?? '', ...rest].map((word) =>
      word === ID ? id : word.endsWith('.jsonl') ? join(it.directory, word) : word,
    );
    const ran: Ran = await it.run(...given);
    t.equal(ran.code, 0, `${words.join(' ')}${ran.error}`);
    let left = ran.out.split('\n').map(plain);
    for (const line of expected.filter((one) => one !== '...').map(plain)) {
      const at = left.findIndex((one) => one === line || (line !== '' && one.startsWith(line)));
      t.ok(at >= 0, `${words.join(' ')}: ${line}`);
      left = left.slice(at + 1);
    }
    // The administrator writes the line that was named.
    const advised = /^ +(speed_dials = .*)$/m.exec(ran.out)?.[1];
    if (advised === undefined) continue;
    const config = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      config.replace("name = 'asterisk'\n", (line) => `${line}${advised}\n`),
    );
  }
  const [posted] = it.sandbox.ledger.calls();
  t.match(posted?.body, { Direction: 'Outbound', UserId: '00000000-0000-4000-8000-000000001001' });
  t.equal(it.sandbox.ledger.calls().length, 1, 'LeadSquared has it, once');
});
