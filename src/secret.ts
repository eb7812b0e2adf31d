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
