/**
 * What an exchange with LeadSquared means. The first line that fits decides.
 *
 * | exchange                                                        | meaning                                    |
 * | --------------------------------------------------------------- | ------------------------------------------ |
 * | no connection, the request never left                           | unavailable                                |
 * | connection lost or silent after the request left                | unproven                                   |
 * | 429, or MXAPIRateLimitExceededException, or the limit sentence,  | rate-limited                               |
 * |   in anything but a success (seen as 429, as 403 and as 200)    |                                            |
 * | 3xx                                                             | denied: the host setting is wrong          |
 * | 401, 403, 407, or an MX exception about the keys with any status | denied: keys, host or rights               |
 * | MX exception whose text speaks of a timeout, deadlock, retrying  | unproven                                   |
 * | MX exception, with any status                                   | rejected                                   |
 * | 404, 405, 410                                                   | denied: the host or its path is wrong      |
 * | 408                                                             | unproven                                   |
 * | any other 4xx                                                   | rejected                                   |
 * | 2xx, cut off                                                    | unproven                                   |
 * | 2xx, write with Status "Success"                                | accepted                                   |
 * | 2xx, read with JSON whose Status is not "Error"                 | accepted                                   |
 * | everything else: 5xx, HTML, empty, not JSON, Status "Error"     | unproven                                   |
 *
 * `unproven` is `uncertain` for a write and `unavailable` for a read.
 *
 * Sources: apidocs.leadsquared.com/error-handling (shape, application errors as 500), /rate-limits, /async-api (exceptions
 * that begin with MX are never retried by LeadSquared's own queue); the three forms of the rate refusal and errors inside
 * a 200 were reported by other clients of the API.
 */
import type { OutcomeKind } from '../../../src/delivery/crm.ts';
import type { RateRefusal } from '../../../src/permits/port.ts';
import { isObject, parseJson, textOf } from '../json.ts';

export type RequestKind = 'read' | 'write';

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What came of one HTTP request. */
export type Exchange =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Headers;
      readonly body: string;
      /** False when the body broke off, or was larger than the client takes. */
      readonly complete: boolean;
    }
  | {
      readonly kind: 'failure';
      /** False: surely no byte of the request left. True: it may have arrived. */
      readonly sent: boolean;
      readonly code: string | null;
      readonly text: string;
    };

export interface Outcome {
  readonly kind: OutcomeKind;
  /** One sentence for the operator. Secrets may still stand in it. */
  readonly message: string;
  readonly exception: string | null;
  /** The limit's own words; only when `rate-limited`. */
  readonly refusal: RateRefusal | null;
  /** The parsed body; only when `accepted`. */
  readonly json: unknown;
}

interface Facts {
  readonly request: RequestKind;
  /** Where it was asked; `null`: not known. */
  readonly host: string | null;
  readonly status: number;
  readonly headers: Headers;
  /** The beginning of the body, where every refusal is told. */
  readonly head: string;
  readonly complete: boolean;
  readonly json: unknown;
  /** The `Status` member of the body. */
  readonly said: string | null;
  readonly exception: string | null;
  /** What the CRM wrote about the error, or the beginning of a body that is no JSON. */
  readonly words: string;
}

interface Rule {
  readonly fits: (facts: Facts) => boolean;
  readonly kind: OutcomeKind | 'unproven';
  readonly message: (facts: Facts) => string;
}

/** As much of a body is searched for words; a good reply has megabytes, a page that explains an error some kilobytes. */
const HEAD_CHARACTERS = 16_384;

/** So much is read for a line of `WORDS_CHARACTERS`, blanks included. */
const LINE_CHARACTERS = 2_000;
const WORDS_CHARACTERS = 300;

/** `api` or `api-REGION`; others of the domain are the documentation and the log-in. A label has at most 63 characters (RFC 1035, 2.3.4). */
const API_HOST = /(?<![a-z0-9.-])api(?:-[a-z0-9]{1,59})?\.leadsquared\.com\b/gi;
const LIMIT_SENTENCE = /exceeded the limit of (\d+) in (\d+(?:\.\d+)?) second/i;
const TRANSIENT = /time[sd]?[ -]?out|deadlock|try again/i;
/** It is the account that is refused, not the request: as 401 by rule, but exceptions come as 500 and as 200 too. */
const KEYS_EXCEPTION = /^MX(?:InvalidAccessDetails|AuthenticationFailed)Exception$/;
const RATE_EXCEPTION = 'MXAPIRateLimitExceededException';

const success = ({ status }: Facts): boolean => status >= 200 && status < 300;
const isMx = ({ exception }: Facts): boolean => exception?.startsWith('MX') === true;
const accepted = (facts: Facts): boolean =>
  facts.request === 'write' ? facts.said === 'Success' : facts.json !== undefined && facts.said !== 'Error';

function rateRefused(facts: Facts): boolean {
  if (facts.status === 429 || facts.exception === RATE_EXCEPTION) return true;
  if (success(facts) && facts.said !== 'Error') return false;
  return LIMIT_SENTENCE.test(facts.head);
}

function deniedMessage({ status, words, head, host: asked }: Facts): string {
  const named = [...head.matchAll(API_HOST)].map(([host]) => host.toLowerCase());
  const host = named.find((one) => one !== asked?.toLowerCase());
  if (host !== undefined) {
    return `LeadSquared refuses the request on this host (HTTP ${status}): set the LeadSquared host to ${host}.`;
  }
  const remedy = 'check the access key, the secret key, and that their user is an active administrator';
  return `LeadSquared refuses the keys (HTTP ${status}: ${words}): ${remedy}.`;
}

function headerOf(headers: Headers, name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' ? value : (value?.[0] ?? null);
}

const RULES: readonly Rule[] = [
  {
    fits: rateRefused,
    kind: 'rate-limited',
    message: ({ words }) => `LeadSquared refused the request for its rate (${words}); it will be sent again later.`,
  },
  {
    fits: ({ status }) => status >= 300 && status < 400,
    kind: 'denied',
    message: ({ status, headers }) => {
      const target = headerOf(headers, 'location') ?? 'nowhere';
      return `The LeadSquared host redirects (HTTP ${status} to ${target}), which is not followed: correct the host.`;
    },
  },
  {
    fits: ({ status, exception }) =>
      status === 401 || status === 403 || status === 407 || KEYS_EXCEPTION.test(exception ?? ''),
    kind: 'denied',
    message: deniedMessage,
  },
  {
    fits: (facts) => isMx(facts) && TRANSIENT.test(facts.words),
    kind: 'unproven',
    message: ({ words }) => `LeadSquared is in trouble for the moment (${words}).`,
  },
  {
    fits: isMx,
    kind: 'rejected',
    message: ({ exception, words }) => `LeadSquared rejects this request (${exception}): ${words}.`,
  },
  {
    fits: ({ status }) => status === 404 || status === 405 || status === 410,
    kind: 'denied',
    message: ({ status }) =>
      `This host does not know the LeadSquared API method (HTTP ${status}): check the LeadSquared host and that the account's plan includes telephony.`,
  },
  {
    fits: ({ status }) => status === 408,
    kind: 'unproven',
    message: () => 'LeadSquared gave up waiting for the request (HTTP 408).',
  },
  {
    fits: ({ status }) => status >= 400 && status < 500,
    kind: 'rejected',
    message: ({ status, words }) => `LeadSquared rejects this request (HTTP ${status}): ${words}.`,
  },
  {
    fits: (facts) => success(facts) && !facts.complete,
    kind: 'unproven',
    message: () => 'The reply of LeadSquared broke off.',
  },
  { fits: (facts) => success(facts) && accepted(facts), kind: 'accepted', message: () => 'Accepted by LeadSquared.' },
  {
    fits: () => true,
    kind: 'unproven',
    message: ({ status, words }) => `The reply is not one that LeadSquared documents (HTTP ${status}: ${words}).`,
  },
];

/** ms to wait from a Retry-After header: seconds or an HTTP date; `null` when there is none that can be read. */
export function retryAfterMs(value: string | null, now: number): number | null {
  if (value === null) return null;
  // Whole seconds by the standard; some servers write a part of one, which would be read as a date of 2001, so as no pause.
  if (/^\s*\d+(?:\.\d+)?\s*$/.test(value)) return Math.ceil(Number(value) * 1000);
  if (!/[a-z]{3}/i.test(value)) return null;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

function refusalOf(facts: Facts, now: number): RateRefusal {
  const numbers = LIMIT_SENTENCE.exec(facts.head);
  return {
    limit: numbers?.[1] === undefined ? null : Number(numbers[1]),
    windowMs: numbers?.[2] === undefined ? null : Number(numbers[2]) * 1000,
    retryAfterMs: retryAfterMs(headerOf(facts.headers, 'retry-after'), now),
  };
}

/** The beginning of a text as a short line of visible characters. */
function shorten(text: string): string {
  const whole = text.trim();
  const head = whole.slice(0, LINE_CHARACTERS);
  const line = head.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  const cut = line.length > WORDS_CHARACTERS || head.length < whole.length;
  return cut ? `${line.slice(0, WORDS_CHARACTERS)}...` : line.replace(/\.$/, '');
}

const proven = (kind: Rule['kind'], request: RequestKind): OutcomeKind =>
  kind !== 'unproven' ? kind : request === 'write' ? 'uncertain' : 'unavailable';

/**
 * @param now ms since the epoch, to read a Retry-After date.
 * @param host that was asked: a reply may name it beside the right one.
 */
export function judge(request: RequestKind, exchange: Exchange, now: number, host: string | null = null): Outcome {
  if (exchange.kind === 'failure') {
    const kind = exchange.sent ? proven('unproven', request) : 'unavailable';
    return { kind, message: exchange.text, exception: null, refusal: null, json: undefined };
  }
  const json = exchange.complete ? parseJson(exchange.body) : undefined;
  const fields = isObject(json) ? json : {};
  const facts: Facts = {
    request,
    host,
    status: exchange.status,
    headers: exchange.headers,
    head: exchange.body.slice(0, HEAD_CHARACTERS),
    complete: exchange.complete,
    json,
    said: textOf(fields.Status),
    exception: textOf(fields.ExceptionType),
    words: shorten(textOf(fields.ExceptionMessage) ?? exchange.body) || 'empty reply',
  };
  const rule = RULES.find(({ fits }) => fits(facts));
  const kind = proven(rule?.kind ?? 'unproven', request);
  return {
    kind,
    message: rule?.message(facts) ?? '',
    exception: facts.exception,
    refusal: kind === 'rate-limited' ? refusalOf(facts, now) : null,
    json: kind === 'accepted' ? json : undefined,
  };
}
