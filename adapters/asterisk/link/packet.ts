/** One packet of the Asterisk Manager Interface (AMI): its headers, and the values AMI escapes. */
import { interned } from './interned.ts';

/** One packet. Headers keep their order and may repeat (`ChanVariable`, `Output`, `Variable`). */
export interface AmiPacket {
  /** Name and value as on the wire, less the one blank after the colon. A line without a colon has the name `''`. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The exact bytes, line ends and closing empty line included. */
  readonly raw: Uint8Array;
  /** Value of the first header of exactly this name. */
  get(name: string): string | undefined;
  /** Value of the first header of this name (here in lower case), in whatever case it was sent. */
  getAnyCase(name: string): string | undefined;
  /** Values of all headers of exactly this name, in order. */
  all(name: string): string[];
}

const CR = 13;
const LF = 10;
/** Last line of an old answer to `Command`. */
export const END_COMMAND = '--END COMMAND--';

/**
 * A packet read from exactly its own bytes, which it keeps. Most packets are asked for a few headers or none: so each is looked for
 * when it is asked for, and the list of all is made for those alone who want it.
 */
export class Packet implements AmiPacket {
  readonly raw: Uint8Array;
  readonly #text: string;
  /** True where a line may mean something else than what stands on it, or the first one is empty. */
  readonly #odd: boolean;
  readonly #event: string | undefined;
  #headers: readonly (readonly [string, string])[] | null = null;

  constructor(raw: Buffer) {
    this.raw = raw;
    this.#text = raw.toString('utf8');
    const first = this.#text.charCodeAt(0);
    this.#odd = first === LF || first === CR || this.#text.startsWith('Response: Follows');
    this.#event = this.#find('Event');
  }

  get headers(): readonly (readonly [name: string, value: string])[] {
    this.#headers ??= parseHeaders(this.#text);
    return this.#headers;
  }

  get(name: string): string | undefined {
    return name === 'Event' ? this.#event : this.#find(name);
  }

  getAnyCase(name: string): string | undefined {
    if (this.#odd || markOf(name) === null) return this.headers.find((header) => header[0].toLowerCase() === name)?.[1];
    const text = this.#text;
    for (let at = 0; at >= 0 && at < text.length; at = behindLine(text, at)) {
      const colon = at + name.length;
      if (text[colon] === ':' && text.slice(at, colon).toLowerCase() === name) return valueAt(text, colon + 1);
    }
    return undefined;
  }

  all(name: string): string[] {
    const mark = this.#odd ? null : markOf(name);
    if (mark === null) return this.headers.filter((header) => header[0] === name).map((header) => header[1]);
    const values: string[] = [];
    for (let at = lineOf(this.#text, mark, 0); at >= 0; at = lineOf(this.#text, mark, at + 1)) {
      values.push(valueAt(this.#text, at + mark.length));
    }
    return values;
  }

  #find(name: string): string | undefined {
    const mark = this.#odd ? null : markOf(name);
    if (mark === null) return this.headers.find((header) => header[0] === name)?.[1];
    const at = lineOf(this.#text, mark, 0);
    return at < 0 ? undefined : valueAt(this.#text, at + mark.length);
  }
}

/** What a line with a header of each name begins with: the names asked for are few. */
const marks = new Map<string, string>();
const MOST_MARKS = 1000;

/** `null` for what is no name of a line with a colon. */
function markOf(name: string): string | null {
  const known = marks.get(name);
  if (known !== undefined) return known;
  if (name === '' || /[:\n]/.test(name)) return null;
  if (marks.size < MOST_MARKS) marks.set(name, `${name}:`);
  return `${name}:`;
}

/** Where the next line begins that begins with `mark`, at or behind `from`; -1 when there is none. */
function lineOf(text: string, mark: string, from: number): number {
  let at = text.indexOf(mark, from);
  while (at > 0 && text.charCodeAt(at - 1) !== LF) at = text.indexOf(mark, at + 1);
  return at;
}

/** Where the line after the one at `at` begins; -1 when there is none. */
function behindLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? -1 : end + 1;
}

/** The value whose line goes on at `at`, behind the colon. */
function valueAt(text: string, at: number): string {
  const next = text.indexOf('\n', at);
  let end = next < 0 ? text.length : next;
  if (end > at && text.charCodeAt(end - 1) === CR) end -= 1;
  return interned(text.slice(text[at] === ' ' ? at + 1 : at, end));
}

function parseHeaders(text: string): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = [];
  let at = 0;
  while (at < text.length) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    const next = end + 1;
    if (end > at && text.charCodeAt(end - 1) === CR) end -= 1;
    if (end > at) {
      const colon = text.indexOf(':', at);
      if (colon < 0 || colon >= end) headers.push(['', text.slice(at, end)]);
      else headers.push([text.slice(at, colon), text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1, end)]);
      if (headers.length === 1 && text.slice(at, end) === 'Response: Follows') return parseFollows(text.slice(at));
    }
    at = next;
  }
  return headers;
}

/** Names that Asterisk up to 13 puts before the output of a command in a `Response: Follows` packet. */
const BEFORE_OUTPUT = /^(?:Response|Privilege|ActionID): ?/;

/** Old answer to `Command`: bare lines up to `--END COMMAND--`, given here as the `Output` headers of newer versions. */
function parseFollows(text: string): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = [];
  const body = text.slice(0, text.lastIndexOf(END_COMMAND) < 0 ? text.length : text.lastIndexOf(END_COMMAND));
  const lines = body.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  let output = false;
  for (const line of lines) {
    const match: RegExpExecArray | null = output ? null : BEFORE_OUTPUT.exec(line);
    output = match === null;
    if (match === null) headers.push(['Output', line]);
    else headers.push([line.slice(0, line.indexOf(':')), line.slice(match[0].length)]);
  }
  return headers;
}

/**
 * Reads one packet from its own text or bytes, as a capture file keeps it. `null` when it holds no header: the greeting
 * line, or nothing but empty lines.
 */
export function parsePacketText(raw: string | Uint8Array): AmiPacket | null {
  const packet = new Packet(Buffer.from(typeof raw === 'string' ? Buffer.from(raw, 'utf8') : raw));
  return packet.headers.some(([name]) => name !== '') ? packet : null;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
};

/** Undoes the C escapes of AMI; a backslash before any other character stays. Only for values that AMI escapes. */
export function unescapeValue(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replace(/\\([\\'"?nrtabfv])/g, (whole, letter: string) => ESCAPES[letter] ?? whole);
}

/**
 * Whether AMI escapes the value of this header. Seen in recordings of Asterisk 16 and 22: the names of callers and
 * connected parties of channel events, with any prefix (`DestCallerIDName`), and of no other header: `CEL` has
 * `CallerIDname` unescaped, `Cdr` has `CallerID` with the quoting of a SIP display name. By the Asterisk sources, the
 * value of `VarSet` is escaped too, while `EffectiveConnectedLineName` of `Status` and the names of
 * `OriginateResponse` are not.
 */
export function isEscaped(packet: AmiPacket, name: string): boolean {
  const event = packet.get('Event');
  if (name === 'Value') return event === 'VarSet';
  return /(?:CallerIDName|ConnectedLineName)$/.test(name) && !/^Effective/.test(name) && event !== 'OriginateResponse';
}

/** Value of the first header of this name as a person wrote it: unescaped where AMI escapes it. */
export function textOf(packet: AmiPacket, name: string): string | undefined {
  const value = packet.get(name);
  return value !== undefined && isEscaped(packet, name) ? unescapeValue(value) : value;
}
