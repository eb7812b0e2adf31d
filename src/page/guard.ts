/**
 * Who may ask for what. The page listens on the loopback interface, where every user of the machine and every web page that a browser
 * on it has open can send requests: so a request needs a name that leads here, a session, and, where it does something, a token that only
 * our own pages know, from our own origin.
 */
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import { secureHeaders } from 'hono/secure-headers';
import { isLoopbackName } from '../../adapters/control/loopback.ts';
import { isSame, type Session, type Sessions } from './sessions.ts';

/** Cookies know no ports: that of one installation would take the place of another's, of this machine or at the end of a tunnel. */
export function cookieOf(c: Context): string {
  const port = /:(\d+)$/.exec(c.req.header('host') ?? '')?.[1];
  return port === undefined ? 'logcalld' : `logcalld-${port}`;
}

/** What a request carries along. */
export type Env = { Variables: { session: Session } };

/** Scripts and styles are files of ours; nothing else is loaded, framed, or sent anywhere. */
export const headers = (): MiddlewareHandler =>
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    // A proxy with TLS says for how long it is the only way.
    strictTransportSecurity: false,
    // Without a referrer, browsers say nothing of the origin of a form either.
    referrerPolicy: 'same-origin',
    xFrameOptions: 'DENY',
  });

/** A name of somebody else that leads here is that of a web page whose script wants to read this (DNS rebinding). */
export function knownHost(hosts: readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const host = (c.req.header('host') ?? '').toLowerCase();
    if (isLoopbackName(host) || hosts.includes(host)) return next();
    return c.text('This name is not one of the page: add it to hosts of [page], or ask for localhost.\n', 403);
  };
}

/** A request that does something comes from a page of the same origin (RFC 6454); browsers say so with each POST. */
export function ownOrigin(): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
    const origin = URL.parse(c.req.header('origin') ?? '');
    if (origin !== null && origin.host === (c.req.header('host') ?? '').toLowerCase()) return next();
    return c.text('Refused: this request does not come from a page of logcalld.\n', 403);
  };
}

/** Whoever has no session is led to the login. */
export function loggedIn(sessions: Sessions): MiddlewareHandler<Env> {
  return async (c, next) => {
    const session = sessions.find(getCookie(c, cookieOf(c)));
    if (session === null) {
      if (c.req.method !== 'GET') return c.text('The session is over: log in again, nothing was done.\n', 401);
      if (c.req.path === '/events') return c.body(null, 204);
      return c.redirect(`/login?to=${encodeURIComponent(askedPath(c))}`, 303);
    }
    c.set('session', session);
    return next();
  };
}

/** The fields of a form, and whether it is one of ours. */
export async function formOf(c: Context<Env>): Promise<Readonly<Record<string, string>> | null> {
  const body = await c.req.parseBody();
  const fields = Object.fromEntries(
    Object.entries(body).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
  return isSame(fields.csrf ?? '', c.get('session').csrf) ? fields : null;
}

const BASE = 'http://localhost';

/** Path and query of an address within the page, where to go on; `/` for one that a browser would take for another host's. */
export function ownPath(address: string): string {
  const url = URL.parse(address, BASE);
  if (url === null || url.origin !== BASE) return '/';
  const path = `${url.pathname}${url.search}`;
  return /^\/(?!\/)/.test(path) ? path : '/';
}

/** Path and query that are asked for. */
export function askedPath(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return ownPath(`${pathname}${search}`);
}
