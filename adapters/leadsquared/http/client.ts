/** LeadSquared's API as a whole: authentication, permits, one judgement for every reply, and no secret in any text. */
import type { Reply } from '../../../src/delivery/crm.ts';
import { type Asking, onPermit, type Permits } from '../../../src/permits/port.ts';
import type { Clock } from '../../../src/ports.ts';
import { Redactor, Secret } from '../../../src/secret.ts';
import { apiBase } from './endpoint.ts';
import { type Exchange, judge, type RequestKind } from './outcome.ts';
import { createTransport, type HttpRequest, type Timeouts } from './transport.ts';

export interface ClientOptions {
  /** A bare host or a URL, e.g. `api-in21.leadsquared.com`. */
  readonly host: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Where the keys travel. Headers are what LeadSquared recommends, and they stay out of proxy logs. */
  readonly auth?: 'headers' | 'query';
  /** Allows plain HTTP to a host that is not loopback. */
  readonly insecure?: boolean;
  /** Upper limit of connections at the same time. */
  readonly connections?: number;
  readonly timeouts?: Partial<Timeouts>;
  /** A larger reply counts as broken off. */
  readonly maxBodyBytes?: number;
  /** PEM certificates to trust instead of the system's, for a proxy that opens TLS. */
  readonly ca?: string | null;
  readonly permits: Permits;
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'after'>;
}

export interface ApiRequest {
  /** `write`: a lost reply leaves it unknown whether it was done. */
  readonly kind: RequestKind;
  readonly method: 'GET' | 'POST';
  /** Below `/v2/`, e.g. `Telephony.svc/LogCall`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Client {
  /** Host of the API, as it may be shown. */
  readonly host: string;
  readonly now: () => number;
  /** How far LeadSquared's clock is ahead of ours, by its last answer, to a second or two; ms, 0 before the first. */
  readonly aheadMs: () => number;
  /**
   * Makes one request when there is a permit for it. Never rejects for a reason of the network or of LeadSquared; only
   * with `PermitsClosed`, or the reason of the signal, when there was none.
   *
   * @param read takes the value out of an accepted body; `null` when the body is not what it should be, which counts as
   * a reply that proves nothing.
   */
  call<T>(request: ApiRequest, asking: Asking, read: (json: unknown) => T | null): Promise<Reply<T>>;
  close(): Promise<void>;
}

export const DEFAULT_TIMEOUTS: Timeouts = { connectMs: 10_000, headersMs: 30_000, bodyMs: 30_000, totalMs: 60_000 };
/** More than permits can be under way: what limits requests are those. */
const CONNECTIONS = 100;
const KEPT_BODY_CHARACTERS = 4_000;

/** Every text of it without secrets. */
function redacted(exchange: Exchange, redactor: Redactor): Exchange {
  const clean = (text: string): string => redactor.redact(text);
  if (exchange.kind === 'failure') return { ...exchange, text: clean(exchange.text) };
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(exchange.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? clean(value) : value.map(clean);
  }
  return { ...exchange, headers, body: clean(exchange.body) };
}

/** @throws Error with the remedy when the host is unusable. */
export function createClient(options: ClientOptions): Client {
  const { accessKey, secretKey, permits, clock } = options;
  const base = apiBase(options.host, options.insecure ?? false);
  const inQuery = options.auth === 'query';
  const redactor = new Redactor([new Secret(accessKey), new Secret(secretKey)]);
  const transport = createTransport(
    { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    options.connections ?? CONNECTIONS,
    options.maxBodyBytes ?? 16_777_216,
    clock,
    options.ca ?? null,
  );

  const httpOf = (request: ApiRequest): HttpRequest => {
    const url = new URL(request.path, base);
    // encodeURIComponent and not URLSearchParams: a space has to be %20 and a plus %2B for every decoder.
    const pairs = Object.entries({ ...request.query, ...(inQuery ? { accessKey, secretKey } : {}) });
    url.search = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
    const headers: Record<string, string> = {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'user-agent': 'logcalld',
    };
    if (!inQuery) {
      headers['x-lsq-accesskey'] = accessKey;
      headers['x-lsq-secretkey'] = secretKey;
    }
    if (request.method === 'POST') headers['content-type'] = 'application/json';
    return {
      method: request.method,
      url,
      headers,
      body: request.method === 'POST' ? JSON.stringify(request.body) : null,
    };
  };

  let aheadMs = 0;
  const compareClocks = (exchange: Exchange): void => {
    const date = exchange.kind === 'answer' ? exchange.headers.date : undefined;
    const at = typeof date === 'string' ? Date.parse(date) : Number.NaN;
    if (!Number.isNaN(at)) aheadMs = at - clock.now();
  };

  return {
    host: base.host,
    now: clock.now,
    aheadMs: () => aheadMs,
    call<T>(request: ApiRequest, asking: Asking, read: (json: unknown) => T | null): Promise<Reply<T>> {
      const http = httpOf(request);
      return onPermit(permits, asking, async (leaves): Promise<Reply<T> | null> => {
        const timed = await transport.send(http, leaves);
        if (timed === null) return null;
        // Before anything else reads it: a text cut later could keep a part of a key that nobody would know any more.
        const exchange = redacted(timed.exchange, redactor);
        compareClocks(exchange);
        const outcome = judge(request.kind, exchange, clock.now(), base.hostname);
        // Told before the permit ends, so that the next request already waits.
        if (outcome.refusal !== null) permits.refused(outcome.refusal);
        const answer = exchange.kind === 'answer' ? exchange : null;
        const value = outcome.kind === 'accepted' ? read(outcome.json) : null;
        const misread = outcome.kind === 'accepted' && value === null;
        return {
          kind: misread ? (request.kind === 'write' ? 'uncertain' : 'unavailable') : outcome.kind,
          value,
          message: misread
            ? `The reply to ${request.path} is not of the form that LeadSquared documents.`
            : outcome.message,
          reached: exchange.kind === 'answer' || exchange.sent,
          exception: outcome.exception,
          http: answer?.status ?? null,
          body: answer?.body.slice(0, KEPT_BODY_CHARACTERS) ?? null,
          durationMs: timed.durationMs,
        };
      });
    },
    close: () => transport.close(),
  };
}
