/** TLS to a PBX or a database: `[source.tls]` and its like in the config, as Node wants them. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import tls from 'node:tls';

/** What a connection over TLS is opened with. Read anew for each; throws an Error of one sentence. */
export type SecureSettings = () => tls.ConnectionOptions;

export interface TlsOptions {
  /** The table of the config, for messages: `[source.tls]`. */
  readonly table: string;
  /** PEM file of the authorities to trust instead of the system's; read anew for each connection. */
  readonly caFile?: string;
  /** Name to expect in the certificate when it is not the host's. */
  readonly servername?: string;
  /** Default true. False accepts any certificate: the secret can then be read by who sits in between. */
  readonly rejectUnauthorized?: boolean;
}

const CERTIFICATE = /-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----[\s\S]*?-----END \1-----/g;

/** The certificates of `ca_file` in `table`. Throws an Error of one sentence that names the key when there are none to be had. */
export function readAuthorities(path: string, table: string): string {
  const key = `${table} ca_file: ${path}`;
  const text = readText(path, key);
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) {
    throw new Error(
      `${key} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----): name the certificate of the authority that signed the server's own, or the server's own.`,
    );
  }
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch {
      throw new Error(`${key}: certificate ${index + 1} of ${blocks.length} is damaged: copy the file anew.`);
    }
  }
  return text;
}

function readText(path: string, key: string): string {
  try {
    // A pipe would keep the reader waiting for ever.
    if (!statSync(path).isFile()) throw new Error('not a file');
    return readFileSync(path, 'latin1');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'not a file';
    throw new Error(
      `${key} cannot be read (${code === 'ENOENT' ? 'no such file' : code}): name a PEM file that the user of logcalld may read.`,
    );
  }
}

/** Throws as `readAuthorities` does. */
export function tlsSettings({ table, caFile, servername, rejectUnauthorized }: TlsOptions): tls.ConnectionOptions {
  return {
    ...(caFile === undefined ? {} : { ca: readAuthorities(caFile, table) }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...nameSettings(servername),
  };
}

/** A name is sent to the server (SNI) and looked for in the certificate; RFC 6066 forbids to send an address. */
function nameSettings(name: string | undefined): tls.ConnectionOptions {
  if (name === undefined) return {};
  if (isIP(name) === 0) return { servername: name };
  return {
    checkServerIdentity: (_host, certificate) => {
      // Asterisk's ast_tls_cert writes what it is given, an address too, as the common name and nothing else.
      const byCommonName = certificate.subjectaltname === undefined && certificate.subject.CN === name;
      return byCommonName ? undefined : tls.checkServerIdentity(name, certificate);
    },
  };
}
