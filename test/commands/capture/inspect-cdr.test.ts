/** `logcalld inspect --cdr` as a person runs it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readRecordFiles } from '../../../src/commands/capture/cdr-files.ts';
import { logcalld } from '../../cli/world.ts';
import { bytesOf, scenarioOf } from '../../support/cdr.ts';

const folder = mkdtempSync(join(tmpdir(), 'logcalld-cdr-'));
t.teardown(() => rmSync(folder, { recursive: true }));

const path = (url: string) => new URL(url, import.meta.url).pathname;
const recorded = (set: string, name: string, file: string) => path(`../../fixtures/recordings/${set}/${name}/${file}`);
const ran = async (words: readonly string[]) => {
  const { code, out, error } = await logcalld(...words);
  return { status: code, stderr: error, calls: out.split('\n').filter((line) => line !== '') };
};
const inspect = (set: string, name: string, cdr: readonly string[]) => {
  const words = [
    'inspect',
    recorded(set, name, 'events.jsonl.gz'),
    '--config',
    path('../../fixtures/lab.toml'),
    '--json',
  ];
  const options = cdr.flatMap((file) => ['--cdr', file]);
  return ran([...words, ...options]);
};
const written = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

t.test('calls of the gap come from the CDR, compressed or not', async (t) => {
  const packed = await inspect('asterisk-22', 'ami_reconnect', [
    recorded('asterisk-22', 'ami_reconnect', 'Master.csv.gz'),
  ]);
  const plain = written('Master.csv', bytesOf(scenarioOf('asterisk-22', 'ami_reconnect'), 'Master.csv.gz'));
  t.same([packed.status, packed.calls.length], [0, 4]);
  t.match(packed.calls.join(), /"from-cdr"/);
  t.same(await inspect('asterisk-22', 'ami_reconnect', [plain]), packed);
});

t.test('what cannot be read ends with 1 and one sentence, even where nothing is missing', async (t) => {
  const legs = bytesOf(scenarioOf('freeswitch-1.11', 'internal'), 'json_cdr.jsonl.gz');
  const wrong = written('legs.jsonl', legs);
  const { status, stderr, calls } = await inspect('asterisk-22', 'internal_answered', [wrong]);
  t.same([status, calls], [1, []]);
  t.match(stderr, /legs\.jsonl: is JSON, as FreeSWITCH writes it; for Asterisk give Master\.csv/);
  t.equal(stderr.trimEnd().split('\n').length, 1);
});

t.test('records without a capture: all that they tell, by each kind and by both', async (t) => {
  const told = (options: readonly string[]) =>
    ran(['inspect', '--config', path('../../fixtures/freepbx.toml'), '--json', '--numbers', ...options]);
  const file = (kind: string) => recorded('freepbx-17', 'attended_feature', `asteriskcdrdb_${kind}.csv.gz`);
  for (const options of [
    ['--cel', file('cel')],
    ['--cdr', file('cdr')],
    ['--cdr', file('cdr'), '--cel', file('cel')],
  ]) {
    const { status, calls } = await told(options);
    t.same([status, calls.length], [0, 1]);
    const call: unknown = JSON.parse(calls[0] ?? '');
    t.match(call, { direction: 'Inbound', status: 'Answered', agent: '1003', externalE164: '+971501234567' });
    t.match(calls[0], /"blind-interval","from-cdr"/);
  }
  const text = bytesOf(scenarioOf('freepbx-17', 'attended_feature'), 'asteriskcdrdb_cdr.csv.gz').toString();
  const cut = await told(['--cdr', written('half.csv', text.slice(0, -40))]);
  t.equal(cut.status, 0);
  t.match(cut.stderr, /^1 record could not be read and was left out: .*half\.csv: line 7: .*was the file cut off/);
  t.equal(cut.calls.length, 1);
  t.match(await told([]), { status: 2, stderr: /needs FILE\.\.\. or records with --cdr or --cel/ });
});

t.test('a folder stands for its files', async (t) => {
  const names = async (given: readonly string[]) => (await readRecordFiles(given)).map(({ name }) => name);
  const legs = mkdtempSync(join(folder, 'legs-'));
  for (const name of ['b.cdr.json', 'a.cdr.json', '.hidden']) writeFileSync(join(legs, name), '{}');
  t.same(await names([legs]), [join(legs, 'a.cdr.json'), join(legs, 'b.cdr.json')]);
  await t.rejects(names([join(folder, 'none')]), {
    message: /none: does not exist: name a file of the PBX's own records, or the folder of mod_json_cdr\.$/,
  });
  const cut = written(
    'cut.gz',
    bytesOf(scenarioOf('asterisk-22', 'ami_reconnect'), 'Master.csv.gz').fill(0x1f, 0, 1).fill(0x8b, 1, 2),
  );
  await t.rejects(names([cut]), { message: /cut\.gz: is not a whole gzip file/ });
});

t.test('a file that holds nothing of the kind is told with the remedy of its kind', async (t) => {
  const told = async (...options: readonly string[]) =>
    (await ran(['inspect', '--config', path('../../fixtures/freepbx.toml'), ...options])).stderr;
  const odd = written('odd.csv', 'a,b,c\n1,2,3\n');
  t.match(await told('--cdr', odd), /for Master\.csv set loguniqueid=yes/);
  t.match(await told('--cel', odd), /for cel-custom\/Master\.csv take the mapping .*eventtype, eventtime, channame/);
  const sqlite = written('cel.db', 'SQLite format 3\0');
  t.match(
    await told('--cel', sqlite),
    /is an SQLite database; .*a file of cel_custom, .*"select \* from cel" > cel\.csv/,
  );
  t.match(await told('--cdr', sqlite), /is an SQLite database; .*Master\.csv, .*"select \* from cdr" > cdr\.csv/);
  const gone = join(folder, 'gone.jsonl');
  t.equal(await told(gone), `logcalld: ${gone}: does not exist: name a file of "logcalld capture".\n`);
});

t.test('without a config it says that it needs one, and how to name it', async (t) => {
  const file = recorded('asterisk-22', 'ami_reconnect', 'events.jsonl.gz');
  const { status, stderr } = await ran(['inspect', file]);
  t.equal(status, 2);
  t.match(stderr, /^logcalld: inspect needs a config, which says how numbers .* Try: logcalld inspect FILE --config /);
});
