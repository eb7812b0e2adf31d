import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import t from 'tap';
import { allKeys } from '../../config/keys.ts';
import { parseConfig } from '../../config/load.ts';
import { isTable } from '../../config/problem.ts';
import { configSchema } from '../../config/schema.ts';

const file = join(import.meta.dirname, '../../config/logcalld.example.toml');
const example = readFileSync(file, 'utf8');

/** The example with some of its commented lines switched on: always the tables, and the keys that `wanted` chooses. */
function switchedOn(wanted: (line: string) => boolean): string {
  return example.replaceAll(/^#(\[.*|\w+ = .*|'\+\d+' = .*)$/gm, (line, rest: string) =>
    rest.startsWith('[') || wanted(line) ? rest : line,
  );
}

const required = (line: string): boolean => line.includes('# (required)');
const noDefault = (line: string): boolean => line.includes('# (no default)');

/** Paths of all keys in a parsed file, in the notation of `allKeys`. */
function written(table: object, prefix = ''): readonly string[] {
  return Object.entries(table).flatMap(([key, value]: [string, unknown]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (/\.(extra|direct_lines|agent_mobiles|agent_numbers)$/.test(path)) return [path];
    if (isTable(value)) return written(value, path);
    if (!Array.isArray(value) || !value.some(isTable)) return [path];
    return value
      .filter(isTable)
      .flatMap((inner) => written(inner, `${path}${typeof inner.type === 'string' ? `(${inner.type})` : ''}`));
  });
}

t.test('the example is valid as it stands', async (t) => {
  t.equal(parseConfig(example, file).source.length, 1);
});

t.test('the example names every key, and no other', async (t) => {
  const named = new Set(written(parse(switchedOn(() => true))));
  t.same([...named].sort(), [...allKeys(configSchema)].sort());
});

t.test('every commented default is the default of the schema', async (t) => {
  const plain = parseConfig(switchedOn(required), file);
  const explicit = parseConfig(
    switchedOn((line) => !noDefault(line)),
    file,
  );
  t.same(explicit, plain);
});

t.test('every key marked as without a default has none', async (t) => {
  const plain = parseConfig(switchedOn(required), file);
  const paths = written(parse(switchedOn((line) => required(line) || noDefault(line))));
  const without = paths.filter((path) => valueAt(plain, path) === null);
  const marked = example
    .split('\n')
    .filter((line) => noDefault(line) && !line.startsWith('# ') && !/CallNotes|'100[12]|^#1001/.test(line));
  t.equal(without.length, marked.length);
});

t.test('keys without a default can be switched on', async (t) => {
  t.doesNotThrow(() => parseConfig(switchedOn(() => true).replace('= false', '= true'), file));
});

function valueAt(config: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((here, step) => {
    const name = step.replace(/\(.*/, '');
    const type = /\((.*)\)/.exec(step)?.[1];
    const next: unknown = typeof here === 'object' && here !== null ? Reflect.get(here, name) : undefined;
    if (!Array.isArray(next)) return next;
    return next.find((item: unknown) => type === undefined || (isTable(item) && item.type === type));
  }, config);
}
