import { type Answer, type Disguise, exception, rateRefusal, text } from './answer.ts';

/**
 * What goes wrong with one request. `commit`: the request is carried out first (default: it is not), so that a lost
 * reply can be told apart from a lost request.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly commit?: boolean }
  | { readonly kind: 'mx'; readonly status: number; readonly type?: string; readonly message?: string }
  | { readonly kind: 'rate'; readonly disguise: Disguise }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'reset'; readonly commit?: boolean }
  | { readonly kind: 'timeout'; readonly commit?: boolean }
  | { readonly kind: 'garbage'; readonly commit?: boolean }
  | { readonly kind: 'html'; readonly status?: number; readonly commit?: boolean }
  | { readonly kind: 'cut'; readonly commit?: boolean }
  | { readonly kind: 'stall'; readonly commit?: boolean }
  | { readonly kind: 'empty'; readonly commit?: boolean }
  | { readonly kind: 'content-type'; readonly contentType?: string }
  | { readonly kind: 'redirect'; readonly to: string; readonly status?: number };

export const FAULT_KINDS: ReadonlySet<string> = new Set<Fault['kind']>([
  'status',
  'mx',
  'rate',
  'delay',
  'reset',
  'timeout',
  'garbage',
  'html',
  'cut',
  'stall',
  'empty',
  'content-type',
  'redirect',
]);

export interface FaultRule {
  readonly match?: {
    /** Regular expression on the path, e.g. `LogCall$`. */
    readonly path?: string;
    /** CallSessionId of the request body. */
    readonly session?: string;
    /** Regular expression on the query (decoded) and the body, e.g. a number or the id of a lead. */
    readonly text?: string;
    /** The rule sleeps until it has matched this many requests (1: the first one). */
    readonly nth?: number;
  };
  /** How many requests it hits: 1 unless given; 0 means every one. */
  readonly times?: number;
  readonly fault: Fault;
}

/** What the server does with a connection under a fault. `plan` says how to get the answer and what to do with it. */
export interface FaultPlan {
  readonly commit: boolean;
  readonly delayMs: number;
  /** How the answer leaves: whole, half and then the end or silence, not at all with the socket reset, or never. */
  readonly delivery: 'whole' | 'cut' | 'stall' | 'reset' | 'never';
  /** Turns the true answer (`null` when not committed) into the one that is sent. */
  readonly answer: (truth: Answer | null) => Answer;
}

export interface FaultList {
  add(rules: readonly FaultRule[]): void;
  clear(): void;
  /** The fault of the first rule that hits this request, `null` when there is none. */
  take(path: string, session: string | null, text: string): Fault | null;
  /** How many requests have been hit. */
  fired(): number;
}

/** Rules in the order in which they were added. `add` throws when a pattern is no regular expression. */
export function faultList(): FaultList {
  let rules: { rule: FaultRule; path: RegExp | null; text: RegExp | null; seen: number; hits: number }[] = [];
  let fired = 0;
  return {
    add(added) {
      const compiled = added.map((rule) => ({
        rule,
        path: rule.match?.path === undefined ? null : new RegExp(rule.match.path),
        text: rule.match?.text === undefined ? null : new RegExp(rule.match.text),
        seen: 0,
        hits: 0,
      }));
      rules.push(...compiled);
    },
    clear() {
      rules = [];
    },
    take(path, session, text) {
      for (const entry of rules) {
        const { match, times = 1, fault } = entry.rule;
        if (entry.path !== null && !entry.path.test(path)) continue;
        if (entry.text !== null && !entry.text.test(text)) continue;
        if (match?.session !== undefined && match.session !== session) continue;
        entry.seen++;
        if (entry.seen < (match?.nth ?? 1) || (times !== 0 && entry.hits >= times)) continue;
        entry.hits++;
        fired++;
        return fault;
      }
      return null;
    },
    fired: () => fired,
  };
}

const whole = { delayMs: 0, delivery: 'whole' } as const;
const nothing = (): Answer => text(200, '');

/** `limit`: requests in any `windowMs`, for the words of a refusal. */
export function planOf(fault: Fault, limit: number, windowMs: number): FaultPlan {
  const commit = 'commit' in fault && fault.commit === true;
  const instead = (answer: Answer): FaultPlan => ({ ...whole, commit, answer: () => answer });
  const truthful = (truth: Answer | null): Answer => truth ?? nothing();
  switch (fault.kind) {
    case 'status':
      return instead(text(fault.status, fault.body ?? ''));
    case 'mx':
      return instead(
        exception(fault.type ?? 'MXInvalidInputException', fault.message ?? 'Invalid Input!', fault.status),
      );
    case 'rate':
      return instead(rateRefusal(fault.disguise, limit, windowMs));
    case 'delay':
      return { commit: true, delayMs: fault.ms, delivery: 'whole', answer: truthful };
    case 'reset':
      return { commit, delayMs: 0, delivery: 'reset', answer: nothing };
    case 'timeout':
      return { commit, delayMs: 0, delivery: 'never', answer: nothing };
    case 'garbage':
      return instead(text(200, '\u0000\u0001{"Status":"Succ', 'application/json'));
    case 'html':
      return instead(
        text(fault.status ?? 502, '<html><body><h1>Bad Gateway</h1></body></html>', 'text/html; charset=utf-8'),
      );
    case 'cut':
    case 'stall':
      return {
        commit,
        delayMs: 0,
        delivery: fault.kind,
        answer: (truth) => truth ?? text(200, '{"Status":"Success"}', 'application/json'),
      };
    case 'empty':
      return instead(nothing());
    case 'content-type':
      return {
        ...whole,
        commit: true,
        answer: (truth) => ({
          ...truthful(truth),
          headers: { 'content-type': fault.contentType ?? 'text/plain' },
        }),
      };
    case 'redirect':
      return instead({ status: fault.status ?? 302, headers: { location: fault.to }, body: '' });
  }
}
