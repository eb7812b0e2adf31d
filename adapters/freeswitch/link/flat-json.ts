/**
 * The JSON of an event as FreeSWITCH writes it: one object without blanks, whose values are strings or lists of strings. An event has
 * some two hundred headers, of which a few are asked for: so the places of those are noted while the text is gone through once, and
 * only what is asked for is decoded. It is checked that the text is JSON, but for control characters inside of strings: FreeSWITCH
 * escapes them, and a text that has them all the same is read as it stands.
 */

import { parseLoosely } from './loose-json.ts';

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const BEGIN = 0x7b;
const END = 0x7d;
const BACKSLASH = 0x5c;

/** The names that were asked for so far, for all events: they are written in the program, so they are few. */
const asked = new Map<string, number>();
const MOST_ASKED = 500;
const BUCKETS = 2048;
const names: string[] = [];
/** By bucket: one more than the number of the name that came into it last, 0 where there is none. */
const firsts = new Uint16Array(BUCKETS);
/** By number: the same of the name that was in its bucket before it. */
const others = new Uint16Array(MOST_ASKED);

/** The same for equal names, and mostly another one for others. The name is `bytes[from, to)`. */
function bucketOf(bytes: Uint8Array, from: number, to: number): number {
  const middle = bytes[(from + to) >> 1] ?? 0;
  const last = bytes[to - 1] ?? 0;
  const fourth = bytes[Math.max(from, to - 4)] ?? 0;
  return ((to - from) * 131 + last * 31 + middle * 7 + fourth) & (BUCKETS - 1);
}

/** The number of a name, which from now on is noted in every event; `null` for one that does not stand in the text as it is. */
function numberOf(name: string): number | null {
  const known = asked.get(name);
  if (known !== undefined) return known;
  if (names.length >= MOST_ASKED || !/^[\w .:-]+$/.test(name)) return null;
  const number = names.length;
  names.push(name);
  asked.set(name, number);
  const bucket = bucketOf(Buffer.from(name), 0, name.length);
  others[number] = firsts[bucket] ?? 0;
  firsts[bucket] = number + 1;
  return number;
}

/** Goes through a text of that form. */
class Walk {
  readonly #bytes: Uint8Array;
  /** One character for each byte: it is searched faster than bytes are, which in turn are faster to look at. */
  readonly #text: string;
  /** The next backslash at or behind what is read. */
  #slash: number;

  constructor(bytes: Uint8Array, text: string) {
    this.#bytes = bytes;
    this.#text = text;
    this.#slash = this.#slashFrom(0);
  }

  /** Tells of each header: where its name and its value stand. False when the text has another form. */
  each(tell: (from: number, to: number, value: number, end: number) => void): boolean {
    const text = this.#text;
    const bytes = this.#bytes;
    if (bytes[0] !== BEGIN) return false;
    for (let at = 1; bytes[at] === QUOTE; ) {
      const to = text.indexOf('"', at + 1);
      if (to < 0 || this.#slash < to || bytes[to + 1] !== COLON) return false;
      const end = this.#valueEnd(to + 2);
      if (end < 0) return false;
      tell(at + 1, to, to + 2, end);
      const next = bytes[end];
      if (next === END) return end + 1 === text.length;
      if (next !== COMMA) return false;
      at = end + 1;
    }
    return false;
  }

  #valueEnd(from: number): number {
    const first = this.#bytes[from];
    if (first === QUOTE) return this.#stringEnd(from);
    if (first !== OPEN) return -1;
    for (let at = from + 1; this.#bytes[at] === QUOTE; ) {
      const end = this.#stringEnd(at);
      if (end < 0) return -1;
      const next = this.#bytes[end];
      if (next === CLOSE) return end + 1;
      if (next !== COMMA) return -1;
      at = end + 1;
    }
    return -1;
  }

  /** Where a string ends that begins at `from`, behind its closing quotation mark; -1 when it is none. */
  #stringEnd(from: number): number {
    const text = this.#text;
    let end = text.indexOf('"', from + 1);
    if (end >= 0 && end < this.#slash) return end + 1;
    while (end > 0 && isEscaped(this.#bytes, end)) end = text.indexOf('"', end + 1);
    if (end < 0 || !isString(text.slice(from, end + 1))) return -1;
    this.#slash = this.#slashFrom(end + 1);
    return end + 1;
  }

  #slashFrom(at: number): number {
    const slash = this.#text.indexOf('\\', at);
    return slash < 0 ? Number.POSITIVE_INFINITY : slash;
  }
}

function isEscaped(bytes: Uint8Array, at: number): boolean {
  let first = at;
  while (bytes[first - 1] === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

function isString(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'string';
  } catch {
    return false;
  }
}

/** The headers of one event. */
export class FlatJson {
  readonly #body: Buffer;
  readonly #text: string;
  /** Where the values of the names known then stand: begin and end of each; 0: there is none. */
  readonly #places: number[];
  readonly #values: (string | readonly string[] | undefined)[] = [];

  private constructor(body: Buffer, text: string, places: number[]) {
    this.#body = body;
    this.#text = text;
    this.#places = places;
  }

  /** `null` when the body has not that form, whatever else it may be. */
  static read(body: Buffer): FlatJson | null {
    const text = body.toString('latin1');
    const places: number[] = new Array(names.length * 2).fill(0);
    const whole = new Walk(body, text).each((from, to, value, end) => {
      let next = firsts[bucketOf(body, from, to)] ?? 0;
      while (next > 0) {
        const number = next - 1;
        next = others[number] ?? 0;
        const name = names[number] ?? '';
        if (name.length !== to - from || !text.startsWith(name, from)) continue;
        // Of equal names the last one counts.
        places[2 * number] = value;
        places[2 * number + 1] = end;
      }
    });
    return whole ? new FlatJson(body, text, places) : null;
  }

  /** A string, a list of strings, or `undefined` when there is no such header. */
  value(name: string): string | readonly string[] | undefined {
    const number = numberOf(name);
    if (number === null) return this.#parsed(name);
    if (number * 2 >= this.#places.length) this.#values[number] ??= this.#search(name);
    const known = this.#values[number];
    if (known !== undefined) return known;
    const begin = this.#places[2 * number] ?? 0;
    if (begin === 0) return undefined;
    const value = this.#decode(begin, this.#places[2 * number + 1] ?? begin);
    this.#values[number] = value;
    return value;
  }

  /** The names of all headers, in order. */
  names(): readonly string[] {
    return Object.keys(this.#all());
  }

  /** The value of a name that was asked for the first time when this event had been gone through. */
  #search(name: string): string | readonly string[] | undefined {
    let value: string | readonly string[] | undefined;
    new Walk(this.#body, this.#text).each((from, to, begin, end) => {
      if (name.length === to - from && this.#text.startsWith(name, from)) value = this.#decode(begin, end);
    });
    return value;
  }

  #parsed(name: string): string | readonly string[] | undefined {
    const all = this.#all();
    return Object.hasOwn(all, name) ? all[name] : undefined;
  }

  /** Of the form that `read` has checked. */
  #all(): Readonly<Record<string, string | readonly string[]>> {
    return parseLoosely(this.#body.toString('utf8')) as Readonly<Record<string, string | readonly string[]>>;
  }

  /** A copy: a piece of the text would keep all of it. */
  #decode(begin: number, end: number): string | readonly string[] {
    if (this.#body[begin] === QUOTE) {
      const value = this.#body.toString('utf8', begin + 1, end - 1);
      if (!value.includes('\\')) return value;
    }
    return parseLoosely(this.#body.toString('utf8', begin, end)) as string | readonly string[];
  }
}
