/**
 * The JSON of an event as FreeSWITCH writes it: one object without blanks, whose values are strings or lists of strings. An event has
 * some two hundred headers, of which a few are asked for: so the places of those are noted while the text is gone through once, and
 * only what is asked for is decoded. It is checked that the text is JSON, but for control characters inside of strings: FreeSWITCH
 * escapes them, and a text that has them all the same is read as it stands. No text is made of the whole: that would be as much
 * again to throw away for each event.
 */

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const BEGIN = 0x7b;
const END = 0x7d;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const UNICODE = 0x75;
/** What may follow a backslash beside `u`. */
const ESCAPES = new Set(Buffer.from('"\\/bfnrt'));

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

/** Tells of each header: where its name stands, and where its value begins. False when the text has another form. */
function walk(bytes: Uint8Array, tell: (from: number, to: number, value: number) => void): boolean {
  if (bytes[0] !== BEGIN) return false;
  for (let at = 1; bytes[at] === QUOTE; ) {
    const to = quoteOrSlash(bytes, at + 1);
    if (bytes[to] !== QUOTE || bytes[to + 1] !== COLON) return false;
    const end = valueEnd(bytes, to + 2);
    if (end < 0) return false;
    tell(at + 1, to, to + 2);
    const next = bytes[end];
    if (next === END) return end + 1 === bytes.length;
    if (next !== COMMA) return false;
    at = end + 1;
  }
  return false;
}

/** Where a value ends that begins at `from`, behind its last byte; -1 when it is none. */
function valueEnd(bytes: Uint8Array, from: number): number {
  const first = bytes[from];
  if (first === QUOTE) return stringEnd(bytes, from);
  if (first !== OPEN) return -1;
  for (let at = from + 1; bytes[at] === QUOTE; ) {
    const end = stringEnd(bytes, at);
    if (end < 0) return -1;
    const next = bytes[end];
    if (next === CLOSE) return end + 1;
    if (next !== COMMA) return -1;
    at = end + 1;
  }
  return -1;
}

/** Where a string ends that begins at `from`, behind its closing quotation mark; -1 when it is none. */
function stringEnd(bytes: Uint8Array, from: number): number {
  const at = quoteOrSlash(bytes, from + 1);
  if (bytes[at] === QUOTE) return at + 1;
  return bytes[at] === BACKSLASH ? escapedEnd(bytes, from) : -1;
}

/** Where the next quotation mark or backslash stands; behind the last byte when there is none. */
function quoteOrSlash(bytes: Uint8Array, from: number): number {
  let at = from;
  for (; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE || byte === BACKSLASH) break;
  }
  return at;
}

/** The same of one with escapes, which must be what JSON allows. */
function escapedEnd(bytes: Uint8Array, from: number): number {
  for (let at = from + 1; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return at + 1;
    if (byte < SPACE) return -1;
    if (byte !== BACKSLASH) continue;
    at += 1;
    const letter = bytes[at] ?? 0;
    if (letter === UNICODE) {
      for (let digit = 1; digit <= 4; digit += 1) if (!isHex(bytes[at + digit] ?? 0)) return -1;
      at += 4;
    } else if (!ESCAPES.has(letter)) return -1;
  }
  return -1;
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

/** The headers of one event. */
export class FlatJson {
  readonly #body: Buffer;
  /** Of each name known then: where its value begins, 0 where there is none, and once it was asked for the value itself. */
  readonly #values: (number | string | readonly string[])[];

  private constructor(body: Buffer, values: (number | string | readonly string[])[]) {
    this.#body = body;
    this.#values = values;
  }

  /** `null` when the body has not that form, whatever else it may be. */
  static read(body: Buffer): FlatJson | null {
    const values: (number | string)[] = new Array(names.length).fill(0);
    const whole = walk(body, (from, to, value) => {
      let next = firsts[bucketOf(body, from, to)] ?? 0;
      while (next > 0) {
        const number = next - 1;
        next = others[number] ?? 0;
        // Of equal names the last one counts.
        if (stands(names[number] ?? '', body, from, to)) values[number] = value;
      }
    });
    return whole ? new FlatJson(body, values) : null;
  }

  /** A string, a list of strings, or `undefined` when there is no such header. */
  value(name: string): string | readonly string[] | undefined {
    const number = numberOf(name);
    if (number === null) return this.#parsed(name);
    while (number >= this.#values.length) this.#values.push(this.#search(names[this.#values.length] ?? ''));
    const known = this.#values[number];
    if (typeof known !== 'number') return known;
    if (known === 0) return undefined;
    const value = this.#decode(known);
    this.#values[number] = value;
    return value;
  }

  /** The names of all headers, in order. */
  names(): readonly string[] {
    return Object.keys(JSON.parse(this.#body.toString('utf8')));
  }

  /** Where the value begins of a name that was asked for the first time when this event had been gone through. */
  #search(name: string): number {
    let found = 0;
    walk(this.#body, (from, to, value) => {
      if (stands(name, this.#body, from, to)) found = value;
    });
    return found;
  }

  #parsed(name: string): string | readonly string[] | undefined {
    const all = JSON.parse(this.#body.toString('utf8'));
    return Object.hasOwn(all, name) ? all[name] : undefined;
  }

  #decode(begin: number): string | readonly string[] {
    const end = valueEnd(this.#body, begin);
    if (this.#body[begin] === QUOTE) {
      const value = this.#body.toString('utf8', begin + 1, end - 1);
      if (!value.includes('\\')) return value;
    }
    return JSON.parse(this.#body.toString('utf8', begin, end));
  }
}

/** True when this name stands in `bytes[from, to)`. */
function stands(name: string, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let at = 0; at < name.length; at += 1) if (name.charCodeAt(at) !== bytes[from + at]) return false;
  return true;
}
