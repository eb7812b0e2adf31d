/**
 * What an event frame says, the same for `event json` and `event plain`.
 *
 * JSON: values are strings, a few variables arrays once they have two elements. Plain: one URL-encoded value a line
 * (`+` is a plus, not a space), arrays written `ARRAY::a|:b`, an optional second body after a blank line. Plain loses
 * something: FreeSWITCH does not encode a `%20` that a value holds already (a name sent so by a phone), and what comes
 * out is a space. That is one reason to prefer JSON.
 */
import { bodyText, type EslFrame } from './codec.ts';
import { FlatJson } from './flat-json.ts';
import { parseLoosely } from './loose-json.ts';

/** Read access to the headers of one event (names are case-sensitive, as FreeSWITCH writes them). */
export interface EslEvent {
  /** `Event-Name`, e.g. `CHANNEL_CREATE`; `''` when there is none (rows of `show channels`). */
  readonly name: string;
  /** The value; of an array its first element; `undefined` when absent. */
  get(name: string): string | undefined;
  /** All elements: none when absent, one for a single string. */
  list(name: string): readonly string[];
  /** The names of all headers, in the order sent. */
  names(): readonly string[];
}

/** An event, or one sentence that says why the frame could not be read. No content of calls is quoted in it. */
export type EventReading = { readonly event: EslEvent } | { readonly problem: string };

const arrayMark = 'ARRAY::';
const arraySeparator = '|:';

/** Reads a `text/event-json` or `text/event-plain` frame. */
export function readEvent(frame: EslFrame): EventReading {
  const reading =
    frame.contentType === 'text/event-json'
      ? readFlat(frame)
      : frame.contentType === 'text/event-plain'
        ? readPlain(frame.body ?? new Uint8Array(0))
        : { problem: 'is of no kind that this program asked for' };
  if ('problem' in reading) return { problem: describe(frame, reading.problem) };
  return reading.event.name === '' ? { problem: describe(frame, 'has no Event-Name') } : reading;
}

function readFlat(frame: EslFrame): EventReading {
  const flat = frame.body === null ? null : FlatJson.read(asBuffer(frame.body));
  return flat === null ? readJson(bodyText(frame)) : { event: new View(flat) };
}

/** Reads a JSON object such as the answer to `uuid_dump <uuid> json` or a row of `show channels as json`. */
export function readJson(text: string): EventReading {
  let value: unknown;
  try {
    value = parseLoosely(text);
  } catch (error) {
    // The parser's own message quotes the text, which holds phone numbers.
    const at = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
    return { problem: at === undefined ? 'is not valid JSON' : `is not valid JSON (at character ${at})` };
  }
  const event = eventOf(value);
  return event === null ? { problem: 'is JSON but not an object' } : { event };
}

/** A parsed JSON object as an event; `null` when it is not an object. */
export function eventOf(value: unknown): EslEvent | null {
  if (!isRecord(value)) return null;
  return new View({
    value: (name) => (Object.hasOwn(value, name) ? asText(value[name]) : undefined),
    names: () => Object.keys(value),
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asText(value: unknown): string | readonly string[] | undefined {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value))
    return value.map((element) => (typeof element === 'string' ? element : JSON.stringify(element)));
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function readPlain(body: Uint8Array): EventReading {
  const bytes = asBuffer(body);
  const blank = bytes.indexOf('\n\n');
  const headerEnd = blank < 0 ? bytes.length : blank;
  const values = new Map<string, string>();
  for (const line of bytes.toString('latin1', 0, headerEnd).split('\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon < 1) return { problem: 'has a line without a colon' };
    values.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const inner = values.get('Content-Length');
  let innerBody: string | undefined;
  if (inner !== undefined) {
    const rest = bytes.subarray(headerEnd + 2);
    if (!/^\d{1,15}$/.test(inner) || Number(inner) > rest.length) {
      return { problem: 'has an inner body shorter than its own Content-Length' };
    }
    innerBody = rest.toString('utf8', 0, Number(inner));
  }
  return {
    event: new View({
      value: (name) => {
        if (name === '_body') return innerBody;
        const value = values.get(name);
        return value === undefined ? undefined : urlDecode(value);
      },
      names: () => [...values.keys(), ...(innerBody === undefined ? [] : ['_body'])],
    }),
  };
}

/** Decodes `%XX` of a value read as Latin-1 into bytes, and those as UTF-8 with replacement; a lone `%` stays. */
function urlDecode(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: asks whether all is ASCII.
  if (!value.includes('%') && /^[\u0000-\u007f]*$/.test(value)) return value;
  const bytes = value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** The headers of one event as they were sent. */
interface Headers {
  value(name: string): string | readonly string[] | undefined;
  names(): readonly string[];
}

class View implements EslEvent {
  readonly name: string;
  readonly #headers: Headers;

  constructor(headers: Headers) {
    this.#headers = headers;
    this.name = this.get('Event-Name') ?? '';
  }

  get(name: string): string | undefined {
    const value = this.#headers.value(name);
    return typeof value === 'string' && !value.startsWith(arrayMark) ? value : elementsOf(value)[0];
  }

  list(name: string): readonly string[] {
    return elementsOf(this.#headers.value(name));
  }

  names(): readonly string[] {
    return this.#headers.names();
  }
}

const NO_ELEMENTS: readonly string[] = Object.freeze([]);

function elementsOf(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return NO_ELEMENTS;
  if (typeof value !== 'string') return value;
  return value.startsWith(arrayMark) ? value.slice(arrayMark.length).split(arraySeparator) : [value];
}

function describe(frame: EslFrame, problem: string): string {
  return `A FreeSWITCH frame of type "${frame.contentType}" (${frame.raw.length} bytes) ${problem}; it was left out.`;
}
