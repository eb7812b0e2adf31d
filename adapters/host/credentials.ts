/** Reads secrets where the config says they are: systemd credential, file, or the config itself. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret, type SecretRef } from '../../src/secret.ts';

export interface FoundSecret {
  readonly secret: Secret;
  readonly from: 'credential' | 'file' | 'config';
  /** One sentence for the operator where the secret is badly kept; `null` when all is well. */
  readonly warning: string | null;
}

/** A secret that is missing or unusable; the message is one sentence with the remedy and never holds the secret. */
export class SecretError extends Error {
  /** Neither credential, nor file, nor key names one. */
  readonly missing: boolean;

  constructor(message: string, { missing = false, ...options }: ErrorOptions & { readonly missing?: boolean } = {}) {
    super(message, options);
    this.name = 'SecretError';
    this.missing = missing;
  }
}

/** systemd's `$CREDENTIALS_DIRECTORY`, or what answers the text of a credential by its id, `null` when there is none. */
export type Credentials = string | undefined | ((id: string) => string | null);

/** No password is longer; a larger file is a mistake in the path. */
const MAX_BYTES = 4_096;

/** Reads one secret, in the order credential, file, config. `credentials`: `undefined` outside of systemd. */
export function readSecret(ref: SecretRef, credentials: Credentials): FoundSecret {
  const handed = credentialOf(ref, credentials);
  // The unit gives empty ones for files that do not exist.
  if (handed !== null && handed.trim() !== '') return found(handed, ref, 'credential', null);
  if (ref.file !== null) {
    const content = readSmallFile(ref.file, ref);
    if (content === null)
      throw new SecretError(
        `The ${ref.what} is to be in ${ref.file}, which does not exist: make the file, or correct ${ref.fileKey}.`,
      );
    const warning = content.open
      ? `${ref.file} (${ref.what}) can be read by every user of this machine: chmod o= ${ref.file}.`
      : null;
    return found(content.text, ref, 'file', warning);
  }
  if (ref.inline !== null) {
    const warning = `The ${ref.what} stands in the config file: move it to a file and set ${ref.fileKey}.`;
    return found(ref.inline.reveal(), ref, 'config', warning);
  }
  throw new SecretError(
    `There is no ${ref.what}: set ${ref.fileKey} in the config, or give systemd LoadCredential=${ref.credential}:/etc/logcalld/credentials/${ref.credential}.`,
    { missing: true },
  );
}

/** Blanks may be meant, which a refused login alone would show. */
function found(text: string, ref: SecretRef, from: FoundSecret['from'], warning: string | null): FoundSecret {
  const secret = clean(text, ref);
  const value = secret.reveal();
  const blank =
    value === value.trim() ? null : `The ${ref.what} begins or ends with a blank: write it without, unless it has one.`;
  return { secret, from, warning: [warning, blank].filter((one) => one !== null).join(' ') || null };
}

function credentialOf(ref: SecretRef, credentials: Credentials): string | null {
  if (credentials === undefined || credentials === '') return null;
  if (typeof credentials === 'function') return credentials(ref.credential);
  // systemd keeps these readable for the service alone, so their mode needs no look.
  return readSmallFile(join(credentials, ref.credential), ref)?.text ?? null;
}

/** `null` when there is no such file. `open`: every user may read it. */
function readSmallFile(file: string, ref: SecretRef): { readonly text: string; readonly open: boolean } | null {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error';
    if (code === 'ENOENT') return null;
    throw new SecretError(
      `The ${ref.what} in ${file} cannot be read (${code}): let the user of the daemon read it, e.g. chgrp logcalld ${file} && chmod 640 ${file}.`,
      { cause: error },
    );
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile())
      throw new SecretError(`The ${ref.what} is to be in ${file}, which is not a file: correct ${ref.fileKey}.`);
    if (stat.size > MAX_BYTES)
      throw new SecretError(
        `The ${ref.what} in ${file} has ${stat.size} bytes: the file may hold nothing but the secret.`,
      );
    return { text: readFileSync(handle, 'utf8'), open: (stat.mode & 0o007) !== 0 };
  } finally {
    closeSync(handle);
  }
}

/** Editors end files with a line break; one inside would let the value add headers or AMI actions. */
function clean(text: string, ref: SecretRef): Secret {
  const value = text.replace(/^\ufeff/, '').replace(/[\r\n]+$/, '');
  if (value.trim() === '') throw new SecretError(`The ${ref.what} is empty: write it into the file.`);
  if (/\p{Cc}/u.test(value)) {
    throw new SecretError(
      `The ${ref.what} has more than one line or control characters: the file may hold nothing but the secret.`,
    );
  }
  return new Secret(value);
}
