/** Turns what is handed to the log into plain values, masked by type, and into text that cannot forge a line. */
import { maskText, Phone } from '../../src/telephony/mask.ts';

/**
 * Fields that hold ids: never telephone numbers, and useless when masked, since `journalctl | jq` searches by them.
 * Ids of Asterisk (`1795345418.104`) look like numbers.
 */
const idFields: ReadonlySet<string> = new Set([
  'activity',
  'attempt',
  'boot',
  'call',
  'channel',
  'delivery',
  'lead',
  // Of a config: names of endpoints and beginnings of numbers.
  'lines',
  'linked',
  'seq',
  'user',
]);

const MAX_DEPTH = 5;
const MAX_ITEMS = 50;
const MAX_TEXT = 4_000;

export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** What has to be hidden. */
export interface Privacy {
  /** Hide telephone numbers. */
  readonly mask: boolean;
  /** Takes the secrets out of a text. */
  redact(text: string): string;
}

/** A field as JSON can hold it. `key`: name of the field. */
export function plainValue(key: string, value: unknown, privacy: Privacy, depth = 0): Plain {
  switch (typeof value) {
    case 'string':
      return plainText(key, value, privacy);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
      return value;
    case 'bigint':
      return value.toString();
    case 'object':
      return value === null ? null : plainObject(key, value, privacy, depth);
    default:
      return value === undefined ? null : `[${typeof value}]`;
  }
}

/** Secrets go before numbers are masked and before the text is cut: half a secret would not be recognised any more. */
function plainText(key: string, text: string, privacy: Privacy): string {
  const clean = privacy.redact(text);
  const shown = privacy.mask && !idFields.has(key) ? maskText(clean) : clean;
  return shown.length > MAX_TEXT ? `${shown.slice(0, MAX_TEXT)}... (${shown.length} characters)` : shown;
}

function plainObject(key: string, value: object, privacy: Privacy, depth: number): Plain {
  if (value instanceof Phone) return privacy.mask ? value.toString() : value.reveal();
  if (depth >= MAX_DEPTH) return '[...]';
  if (value instanceof Error) return plainError(value, privacy, depth);
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (value instanceof Set) return plainValue(key, [...value], privacy, depth);
  if (value instanceof Map) return plainValue(key, Object.fromEntries(value), privacy, depth);
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => plainValue(key, item, privacy, depth + 1));
    return value.length > MAX_ITEMS ? [...items, `... (${value.length} items)`] : items;
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return plainValue(key, value.toJSON(), privacy, depth + 1);
  }
  const entries = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(entries.map(([name, inner]) => [name, plainValue(name, inner, privacy, depth + 1)]));
}

/** Errors have no enumerable fields, so JSON alone would show `{}`. */
function plainError(error: Error, privacy: Privacy, depth: number): Plain {
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : null;
  return {
    name: error.name,
    message: plainText('message', error.message, privacy),
    ...(code === null ? {} : { code }),
    ...(error.cause === undefined ? {} : { cause: plainValue('cause', error.cause, privacy, depth + 1) }),
    stack: plainText('stack', error.stack ?? '', privacy),
  };
}
