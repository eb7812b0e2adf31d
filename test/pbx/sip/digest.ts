import { createHash, randomBytes } from 'node:crypto';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** Answers a `WWW-Authenticate` or `Proxy-Authenticate` challenge (RFC 2617 digest, MD5, with or without qop=auth). */
export function answerChallenge(challenge: string, credentials: Credentials, method: string, uri: string): string {
  const field = (name: string): string => new RegExp(`\\b${name}="?([^",]+)"?`, 'i').exec(challenge)?.[1] ?? '';
  const realm = field('realm');
  const nonce = field('nonce');
  const opaque = field('opaque');
  const secret = md5(`${credentials.username}:${realm}:${credentials.password}`);
  const asked = md5(`${method}:${uri}`);
  const parts = [`username="${credentials.username}"`, `realm="${realm}"`, `nonce="${nonce}"`, `uri="${uri}"`];
  if (/\bqop=/i.test(challenge)) {
    const cnonce = randomBytes(8).toString('hex');
    const count = '00000001';
    parts.push(`response="${md5(`${secret}:${nonce}:${count}:${cnonce}:auth:${asked}`)}"`);
    parts.push('qop=auth', `nc=${count}`, `cnonce="${cnonce}"`);
  } else {
    parts.push(`response="${md5(`${secret}:${nonce}:${asked}`)}"`);
  }
  parts.push('algorithm=MD5');
  if (opaque) parts.push(`opaque="${opaque}"`);
  return `Digest ${parts.join(', ')}`;
}
