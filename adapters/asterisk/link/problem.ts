/** What keeps an AMI connection from working, each in one sentence with its remedy. Never holds a secret. */

/**
 * `network`: may heal by itself. `refused`: what is there cannot be used as it is (certificate, port, version). `login`: the
 * PBX said no to the user, which it writes into its security log each time.
 */
export type FailureKind = 'network' | 'refused' | 'login';

export class LinkFailure extends Error {
  override readonly name = 'LinkFailure';
  readonly kind: FailureKind;
  /** The other side did not end the connection: it is dead since the last byte. */
  readonly silent: boolean;

  constructor(kind: FailureKind, problem: string, silent = false) {
    super(problem);
    this.kind = kind;
    this.silent = silent;
  }
}

/** What an attempt failed by: `error` itself where that says it. */
export function failureOf(where: string, error: unknown): LinkFailure {
  if (error instanceof LinkFailure) return error;
  return new LinkFailure('network', `${where}: ${error instanceof Error ? error.message : String(error)}`);
}

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    'refused the connection; is Asterisk running, and is AMI enabled there ([general] enabled = yes in manager.conf)?',
  ENOTFOUND: 'has no address; check the host name and DNS.',
  EAI_AGAIN: 'has no address for now; check the DNS server.',
  EHOSTUNREACH: 'cannot be reached; check the network and the firewall.',
  ENETUNREACH: 'cannot be reached; check the network and the firewall.',
  ETIMEDOUT: 'does not answer; check the address and the firewall.',
  ECONNRESET: 'broke the connection; did Asterisk stop, or is this host not permitted in manager.conf?',
  EPIPE: 'broke the connection; did Asterisk stop?',
};

/** Codes by which the system gives up a connection of its own accord. */
const SILENT: ReadonlySet<string> = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Remedies by the code of OpenSSL's or Node's complaint; the keys are those of the config. */
const CERTIFICATE: readonly (readonly [RegExp, string])[] = [
  [/ALTNAME/, 'set servername in [source.tls] to the name in the certificate.'],
  [/EXPIRED|NOT_YET_VALID/, 'renew it on the PBX, or set the clock of either host.'],
  [
    /CERT|SELF_SIGNED|VERIFY|ISSUER/,
    'set ca_file in [source.tls] to the certificate of its authority, and servername where its name is not the host.',
  ],
];

/** What a failed socket means, by its error code. */
export function socketFailure(where: string, error: Error): LinkFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const network = NETWORK[code];
  if (network !== undefined) return new LinkFailure('network', `${where} ${network}`, SILENT.has(code));
  if (/WRONG_VERSION|EPROTO|PACKET_LENGTH|UNKNOWN_PROTOCOL/.test(code))
    return new LinkFailure(
      'refused',
      `${where} does not speak TLS; use the port of tlsbindaddr in manager.conf, or set enabled = false in [source.tls].`,
    );
  const certificate = CERTIFICATE.find(([pattern]) => pattern.test(code));
  if (certificate !== undefined)
    return new LinkFailure('refused', `${where} shows a certificate that is not trusted (${code}); ${certificate[1]}`);
  return new LinkFailure('network', `${where} failed: ${error.message}.`);
}

/** The peer closed the connection; `orderly` when Asterisk had announced that it stops. */
export function closedFailure(where: string, orderly: boolean): LinkFailure {
  const why = orderly
    ? 'because Asterisk is stopping'
    : 'without a word; did Asterisk stop, or drop a client too slow to read?';
  return new LinkFailure('network', `${where} closed the connection ${why}${orderly ? '.' : ''}`);
}

/** Whether the first line of a connection is an AMI greeting: `<any product> Call Manager/<version>`. */
export function isAmiGreeting(line: string): boolean {
  return /call manager/i.test(line);
}

/**
 * AMI versions by release, from AMI_VERSION in Asterisk's include/asterisk/manager.h: 1.4 has 1.0, 1.6 and 1.8 have 1.1, 10 has
 * 1.2, 11 has 1.3; 12 and 13 have 2.x, 14 has 2.8 and 3.x, 15 has 4.x, 16 has 5.x and so on to 11.x of 22 and 12.x of 23. With
 * 2.0 came the events that name whole calls (Linkedid, DialBegin, BridgeEnter).
 */
const FIRST_AMI = 2;

/** Whether the greeting is that of Asterisk 11 or older. */
export function isOldGreeting(line: string): boolean {
  const major = /call manager\/(\d+)/i.exec(line)?.[1];
  return major !== undefined && Number(major) < FIRST_AMI;
}

/** `where`: the PBX or the capture file; `found`: what gave it away. */
export function tooOld(where: string, found: string): string {
  return `${where} is of Asterisk 11 or older (${found}): it does not say which channels make a call; Asterisk 13 or newer is needed.`;
}

const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^SSH-/, 'an SSH server'],
  [/^HTTP\/|^<|html/i, 'a web server'],
  [/^Content-Type: auth\/request/, 'a FreeSWITCH event socket'],
  [/^220[ -]/, 'a mail or FTP server'],
];

/** The port belongs to another service. */
export function notAmi(where: string, greeting: string): LinkFailure {
  const other = OTHERS.find(([pattern]) => pattern.test(greeting))?.[1] ?? 'something else';
  const shown = JSON.stringify(greeting.slice(0, 60));
  return new LinkFailure(
    'refused',
    `${where} is not AMI but ${other} (it said ${shown}); use the port of manager.conf, 5038 by default.`,
  );
}

/** Something accepts connections but says nothing. */
export function silentServer(where: string, ms: number): LinkFailure {
  return new LinkFailure(
    'network',
    `${where} accepted the connection but sent no AMI greeting in ${ms} ms; a web server or a TLS port waits like this: ` +
      'check port and tls, and whether Asterisk hangs.',
  );
}

export function connectTimeout(where: string, ms: number): LinkFailure {
  return new LinkFailure(
    'network',
    `${where} did not take the connection in ${ms} ms; check the address and the firewall.`,
  );
}

export function halfOpen(where: string, ms: number): LinkFailure {
  return new LinkFailure(
    'network',
    `${where} sent nothing for ${ms} ms, not even an answer to a Ping: the connection is dead, opening a new one.`,
    true,
  );
}

/** Asterisk says the same for an unknown user, a wrong secret and a forbidden address. */
export function loginRefused(where: string, username: string, message: string): LinkFailure {
  return new LinkFailure(
    'login',
    `${where} refused the login of user ${JSON.stringify(username)} (${message}); check that the secret is that of ` +
      'manager.conf (another one here counts from the next start of logcalld on), that the user exists there, and that its permit ' +
      'line allows this host.',
  );
}

/** Said while connected: a login beside the present one was refused, as `refusal` says. */
export function notRenewed(refusal: string): string {
  return `${refusal} The connection that stands goes on; what was changed for its user in manager.conf counts from the next one on.`;
}

export function noChallenge(where: string, message: string): LinkFailure {
  return new LinkFailure(
    'login',
    `${where} gave no MD5 challenge (${message}); set auth to plain, over TLS or on the same host only.`,
  );
}

/** Said while connected: without `FullyBooted` neither the end of booting nor a restart can be told. */
export function noFullyBooted(where: string, ms: number): string {
  return (
    `${where} sent no FullyBooted in ${ms} ms after the login: Asterisk is still starting, or the AMI user lacks the read ` +
    'class system (read = system,call,agent,cdr,user in manager.conf).'
  );
}
