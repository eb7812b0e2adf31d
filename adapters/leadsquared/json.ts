/** Reading JSON of unknown shape without trusting it. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as an array, `[]` when it is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A string or number as trimmed text; `null` when it is neither or has no visible character. */
export function textOf(value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = String(value).trim();
  return text === '' ? null : text;
}

/** A number, or a string that holds nothing but one; `null` otherwise. LeadSquared writes the same number in both ways. */
export function numberOf(value: unknown): number | null {
  const text = textOf(value);
  if (text === null) return null;
  const number = Number(text);
  return Number.isFinite(number) ? number : null;
}

/**
 * `undefined` when the text is not JSON: `null` is a JSON value of its own. A byte order mark before it is no part of it
 * (RFC 8259, 8.1); .NET services and gateways are known to write one.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff+/, ''));
  } catch {
    return undefined;
  }
}
