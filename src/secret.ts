/**
 * A password or key. It shows as `[secret]` in strings, JSON and inspection, so that no log line, error or dump can hold
 * it by accident; whoever needs the value has to ask with `reveal()`, which is easy to search for.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}

/** What stands where something was taken out. */
const MARK = '[secret]';
const LEFT_OUT = '[left out]';

/** Shorter values would blank out half of every text, and are no secrets. */
const SHORTEST = 4;

/**
 * The name of a key of the CRM with its value: in a URL, or as a member of JSON. Each place of a text is looked at a fixed number of
 * times, since whole replies of megabytes go through here on the thread that reads the PBX.
 */
const KEY = /((?:access|secret)_?-?key(?:\s*=\s*|"\s*:\s*"))(?:(?<=")[^"\\]*(?:\\.[^"\\]*)*|[^&\s"'<>\\]+)/gis;

/** Takes secrets out of any text before it is stored, logged or shown. The one place that knows how. */
export class Redactor {
  readonly #spellings = new Set<string>();

  constructor(secrets: Iterable<Secret> = []) {
    for (const secret of secrets) this.hide(secret);
  }

  /** From now on this value is taken out. */
  hide(secret: Secret): void {
    const value = secret.reveal();
    if (value.length < SHORTEST) return;
    const inJson = JSON.stringify(value).slice(1, -1);
    // JSON inside a text inside JSON, as in the SourceData of an activity.
    const inTextInJson = JSON.stringify(inJson).slice(1, -1);
    for (const spelling of [value, inJson, inTextInJson, encodeURIComponent(value), encodeURI(value)]) {
      this.#spellings.add(spelling);
    }
  }

  /**
   * The text with `[secret]` for each value in every spelling in which it could come back (plain, percent-encoded, inside JSON), and
   * for whatever stands after the name of a key. Where values overlap, nothing of either stays.
   */
  redact(text: string): string {
    const found = [...this.#spellings].flatMap((spelling) => placesOf(spelling, text));
    return withoutPlaces(text, found).replace(KEY, `$1${MARK}`);
  }
}

type Place = readonly [from: number, to: number];

function placesOf(spelling: string, text: string): Place[] {
  const places: Place[] = [];
  for (let at = text.indexOf(spelling); at >= 0; at = text.indexOf(spelling, at + 1))
    places.push([at, at + spelling.length]);
  return places;
}

function withoutPlaces(text: string, places: Place[]): string {
  let clean = '';
  let end = 0;
  for (const [from, to] of places.sort(([a], [b]) => a - b)) {
    if (from >= end) clean += text.slice(end, from) + MARK;
    end = Math.max(end, to);
  }
  return clean + text.slice(end);
}

/** A host, perhaps with a port, with or without a path: nobody logs in there. */
const PLAIN = /^[\w.-]+(?::\d{1,5})?(?:\/[^@]*)?$/;

/**
 * An address without who logs in, and without what follows its path: `https://[login]@host/path?[left out]`. A password may hold any
 * sign, so what could be a part of one goes.
 */
export function withoutLogin(address: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(address) ?? [];
  const query = rest.search(/[?#]/);
  const before = query < 0 ? rest : rest.slice(0, query);
  const behind = query < 0 || query === rest.length - 1 ? '' : `${rest[query]}${LEFT_OUT}`;
  if (PLAIN.test(before)) return scheme + before + behind;
  const login = rest.lastIndexOf('@');
  return login < 0 ? scheme + before + behind : `${scheme}[login]@${withoutLogin(rest.slice(login + 1))}`;
}

/** The same of each address with a scheme in a text of any kind. */
export function withoutLogins(text: string): string {
  return text.replace(/\b[a-z][a-z0-9+.-]*:\/\/[^\s'"<>]+/gi, withoutLogin);
}

/** Where a secret may come from, in the order of trial: systemd credential, file, inline value. */
export interface SecretRef {
  /** What it opens, for messages: `AMI secret of source "asterisk"`. */
  readonly what: string;
  /** Id of the systemd credential: a file of that name in `$CREDENTIALS_DIRECTORY`. */
  readonly credential: string;
  readonly file: string | null;
  /** Config key that takes the file's path, for the remedy. */
  readonly fileKey: string;
  /** Value written in the config itself; `null` unless `allow_inline_secrets` is on. */
  readonly inline: Secret | null;
}
