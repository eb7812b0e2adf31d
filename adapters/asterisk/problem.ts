/** What keeps an AMI connection from working, each in one sentence with its remedy. Never holds a secret. */

/**
 * `network`: may heal by itself, try again with backoff. `refused`: the configuration of either side must change, so
 * trying often is of no use and fills the PBX's security log.
 */
export class LinkFailure extends Error {
  override readonly name = 'LinkFailure';
  readonly kind: 'network' | 'refused';

  constructor(kind: 'network' | 'refused', problem: string) {
    super(problem);
    this.kind = kind;
  }
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

/** What a failed socket means, by its error code. */
export function socketFailure(where: string, error: Error): LinkFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const network = NETWORK[code];
  if (network !== undefined) return new LinkFailure('network', `${where} ${network}`);
  if (/WRONG_VERSION|EPROTO|PACKET_LENGTH|UNKNOWN_PROTOCOL/.test(code))
    return new LinkFailure('refused', `${where} does not speak TLS; use the port of tlsbindaddr, or turn tls off.`);
  if (/CERT|SELF_SIGNED|VERIFY|ISSUER|ALTNAME/.test(code))
    return new LinkFailure(
      'refused',
      `${where} shows a certificate that is not trusted (${code}); give its authority as tls.ca, or its name as tls.servername.`,
    );
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
    `${where} sent nothing for ${ms} ms after a Ping: the connection is dead, opening a new one.`,
  );
}

/** Asterisk says the same for an unknown user, a wrong secret and a forbidden address. */
export function loginRefused(where: string, username: string, message: string): LinkFailure {
  return new LinkFailure(
    'refused',
    `${where} refused the login of user ${JSON.stringify(username)} (${message}); check the secret, that the user exists in ` +
      'manager.conf, and that its permit line allows this host.',
  );
}

export function noChallenge(where: string, message: string): LinkFailure {
  return new LinkFailure(
    'refused',
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
