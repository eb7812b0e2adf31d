/** `logcalld.toml(5)`: what a value must be is the schema's, what it is for is the example's. */
import type { SchemaKey } from '../../../config/keys.ts';
import { bold, item, macro, page, plain, verbatim } from './roff.ts';

const RULER = /^# -{20,}$/;
const TABLE = /^#?(\[\[?)([\w.]+)\]\]?$/;
const KEY = /^(#?)(\w+|'[^']+') = (.*?)(?:\s+# \((required|no default)\) ?(.*))?$/;

/** Throws when a key of the example is not in the schema, or one of the schema is not in the example. */
export function configPage(example: string, keys: readonly Pick<SchemaKey, 'path' | 'expected'>[]): string {
  const reader = new Reader(keys);
  for (const line of example.split('\n')) reader.read(line);
  return page('logcalld.toml', 5, 'File Formats', [
    '.SH NAME',
    'logcalld.toml \\- the config of logcalld',
    '.SH SYNOPSIS',
    '\\fI/etc/logcalld/logcalld.toml\\fR',
    '.SH DESCRIPTION',
    ...reader.finish(),
    '.SH SEE ALSO',
    `${bold('logcalld')}(8)`,
  ]);
}

class Reader {
  readonly #expected: ReadonlyMap<string, string | null>;
  readonly #seen = new Set<string>();
  readonly #out: string[] = [];
  #remarks: string[] = [];
  /** `source`, `source.records`: with the type that its first key named. */
  #table = '';
  readonly #types = new Map<string, string>();
  #ruled = false;

  constructor(keys: readonly Pick<SchemaKey, 'path' | 'expected'>[]) {
    this.#expected = new Map(keys.map(({ path, expected }) => [path, expected]));
  }

  read(line: string): void {
    const table = TABLE.exec(line);
    const key = KEY.exec(line);
    if (RULER.test(line)) this.#ruled = !this.#ruled;
    else if (this.#ruled) this.#out.push(macro('SH', line.slice(2).toUpperCase().replace(/\.$/, '')));
    else if (table !== null) this.#begin(`${table[1]}${table[2]}${table[1] === '[[' ? ']]' : ']'}`, table[2] ?? '');
    else if (key !== null) this.#key(key);
    else if (line.startsWith('# ')) this.#remarks.push(line.slice(2));
    else if (line === '' || line === '#') this.#paragraph();
    else throw new Error(`The example has a line that is neither a key nor a remark: ${line}`);
  }

  /** The lines of the page. */
  finish(): readonly string[] {
    this.#paragraph();
    const missing = [...this.#expected.keys()].filter((path) => !this.#seen.has(path));
    if (missing.length > 0) throw new Error(`The example lacks ${missing.join(', ')}.`);
    return this.#out;
  }

  #begin(header: string, name: string): void {
    this.#out.push(macro('SS', header));
    this.#paragraph();
    this.#table = name;
    this.#types.delete(name);
  }

  #key([, , name = '', value = '', mark, more = '']: RegExpExecArray): void {
    if (name === 'type') this.#types.set(this.#table, value.slice(1, -1));
    const remarks = this.#remarks;
    this.#remarks = [];
    const told = more === '' ? remarks : [...remarks, more];
    // A table whose keys are the reader's own.
    if (this.#expected.has(this.#path())) {
      this.#seen.add(this.#path());
      this.#out.push('.PP', ...told.map(plain), ...verbatim([`${name} = ${value}`]));
      return;
    }
    const path = this.#table === '' ? name : `${this.#path()}.${name}`;
    if (!this.#expected.has(path)) throw new Error(`The schema has no ${path}.`);
    this.#seen.add(path);
    const expected = this.#expected.get(path) ?? 'free';
    const preset = mark === 'required' ? 'Required' : mark === 'no default' ? 'No default' : `Default: ${value}`;
    this.#out.push(...item(bold(name), ...told.map(plain), '.br', plain(`${preset}. Value: ${expected}.`)));
  }

  /** `source(asterisk).records(mysql)` in the notation of the schema's keys. */
  #path(): string {
    const parts = this.#table.split('.');
    return parts
      .map((part, index) => {
        const type = this.#types.get(parts.slice(0, index + 1).join('.'));
        return type === undefined ? part : `${part}(${type})`;
      })
      .join('.');
  }

  #paragraph(): void {
    if (this.#remarks.length > 0) this.#out.push('.PP', ...this.#remarks.map(plain));
    this.#remarks = [];
  }
}
