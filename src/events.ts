/**
 * Every event of the business once: its name, its level, its text and its fields. Nothing else of the core writes into the log.
 * How often each was told is counted by `countEvents`, beside the log, for `logcalld_events_total`.
 */
import type { CallRecord } from './call/record.ts';
import { EVENT_NAMES, type EventName } from './event-names.ts';
import type { ClockNews, Log, LogLevel, SourceStatus } from './ports.ts';
import type { Gap } from './records/gaps.ts';
import { goingOn, settlement } from './records/text.ts';
import { maskNumber, Phone } from './telephony/mask.ts';

type Fields = Readonly<Record<string, unknown>>;

function tell(log: Log, level: LogLevel, name: EventName, text: string, fields?: Fields): void {
  log.write(level, name, text, fields);
}

const phone = (number: string | null) => (number === null ? null : new Phone(number));

const iso = (ms: number): string => new Date(ms).toISOString();

const about = ({ source, beganAt, endedAt }: Gap) => ({
  pbx: source,
  from: iso(beganAt),
  to: endedAt === null ? null : iso(endedAt),
});

/** What became of a call on its way. `pending` and `sending` are the ordinary way and say nothing new. */
const MOVES = {
  delivered: ['info', 'call-logged', 'Logged'],
  skipped: ['info', 'call-skipped', 'Not posted'],
  retrying: ['warn', 'call-retrying', 'Will be tried again'],
  uncertain: ['warn', 'call-uncertain', 'Not known whether it was logged; it will be looked for'],
  parked: ['warn', 'call-parked', 'Parked until somebody sends it again'],
} as const satisfies Readonly<Record<string, readonly [LogLevel, EventName, string]>>;

/** States of a delivery that are told. */
export type ToldState = keyof typeof MOVES;

export const isTold = (state: string): state is ToldState => Object.hasOwn(MOVES, state);

/** A step of a call on its way. */
export interface CallMoved {
  /** Its `CallSessionId`. */
  readonly call: string;
  readonly reason: string | null;
  /** The reason as a word that can be typed. */
  readonly code: string | null;
  /** Further sentences with what to do, each after a blank; else empty. */
  readonly helps: string;
  /** Name of the CRM, and what it calls the entry. */
  readonly crm: string;
  readonly activity: string | null;
}

/** The calls. */
const calls = {
  callEnded(log: Log, record: CallRecord): void {
    tell(log, 'info', 'call-ended', `${record.direction} ${record.status}`, {
      call: record.callSessionId,
      pbx: record.source,
      external: record.withheld ? 'withheld' : phone(record.externalE164 ?? record.external),
      did: phone(record.did),
      agent: record.agent,
      duration_s: record.durationSeconds,
      talk_s: record.talkSeconds,
      ...(record.flags.length === 0 ? {} : { flags: record.flags }),
    });
  },

  callMoved(log: Log, state: ToldState, { call, reason, code, helps, crm, activity }: CallMoved): void {
    const [level, name, words] = MOVES[state];
    const text = state === 'delivered' ? `${words} in ${crm}` : words;
    tell(log, level, name, `${reason === null ? `${text}.` : `${text}: ${reason}`}${helps}`, {
      call,
      ...(activity === null ? {} : { activity }),
      ...(code === null ? {} : { code }),
    });
  },

  /** A call that was stored as one that is not posted. */
  callSkipped(log: Log, call: string, { code, reason }: { code: string; reason: string }): void {
    const [level, name, words] = MOVES.skipped;
    tell(log, level, name, `${words}: ${reason}`, { call, code });
  },
};

/** What is heard of the PBXs, and the clock it is timed by. */
const hearing = {
  /** A refused login is an error: only the administrator can mend it. A lost link is a warning, told once. */
  sourceStatus(log: Log, status: SourceStatus): void {
    const { name: pbx, state, problem } = status;
    const text = problem ?? `${pbx}: ${state}`;
    if (state === 'refused') tell(log, 'error', 'pbx-refused', text, { pbx });
    else if (state === 'lost') tell(log, 'warn', 'pbx-lost', text, { pbx });
    else if (problem !== null) tell(log, 'warn', 'pbx-problem', text, { pbx });
    else tell(log, state === 'connected' ? 'notice' : 'info', `pbx-${state}`, text, { pbx });
  },

  /** A PBX is heard wholly again. */
  gapEnded(log: Log, gap: Gap): void {
    const seconds = Math.round(((gap.endedAt ?? gap.beganAt) - gap.beganAt) / 1000);
    const text = `${gap.source} was not heard for ${seconds} s (${gap.reason}); ${goingOn(gap)}`;
    tell(log, 'warn', 'gap', text, { ...about(gap), seconds, calls_going_on: gap.live });
  },

  /** What became of the calls of a gap. */
  gapSettled(log: Log, gap: Gap): void {
    const { created, completed, state } = gap;
    const level = state === 'filled' ? 'notice' : 'warn';
    tell(log, level, `gap-${state}`, `${gap.source}: ${settlement(gap)}`, { ...about(gap), created, completed });
  },

  /** Calls that only the PBX's own records told of, though the link stood. */
  unheard(log: Log, pbx: string, calls: number): void {
    const text = `${pbx}: ${calls} ${calls === 1 ? 'call' : 'calls'} that nobody heard, logged from the PBX's own records`;
    tell(log, 'warn', 'calls-not-heard', text, { pbx, calls });
  },

  /** The wall clock was set, or this program stood still. */
  clock(log: Log, news: ClockNews): void {
    if (news.kind === 'stepped') {
      const text = `The clock of this machine was set ${news.by < 0 ? 'back' : 'forward'} by ${Math.abs(news.by) / 1000} s: calls that were going on are marked where their times were moved with it.`;
      tell(log, 'warn', 'clock-stepped', text, { by_ms: news.by });
    } else {
      const text = `logcalld stood still for ${news.ms / 1000} s (stopped, or this machine was): calls of which something was heard only then, without a time of the PBX, are marked.`;
      tell(log, 'warn', 'stalled', text, { ms: news.ms });
    }
  },
};

/** The way to the CRM. */
const delivery = {
  /** The way to the CRM for lookups or posts is closed (it works), open or denied. */
  circuit(log: Log, state: string, cause: string | null): void {
    tell(log, state === 'closed' ? 'notice' : 'warn', 'crm-circuit', `CRM circuit ${state}`, { cause });
  },

  usersLoaded(log: Log, count: number): void {
    tell(log, 'info', 'users-loaded', `${count} users known from the last run`);
  },

  /** Posts of a process that ended before their answers came. */
  deliveryInterrupted(log: Log, posts: number): void {
    tell(log, 'warn', 'delivery-interrupted', `${posts} posts have no answer on record; they will be looked for`);
  },

  resultNotStored(log: Log, why: string): void {
    tell(log, 'error', 'delivery-store', `A result could not be stored and is kept in memory: ${why}`);
  },

  /** Tried again in `waitMs`. */
  callNotStored(log: Log, call: string, why: string, waitMs: number): void {
    const text = `What becomes of this call cannot be stored (${why}); it is tried again in ${Math.round(waitMs / 1000)} s, the others go on.`;
    tell(log, 'error', 'delivery-store', text, { call });
  },

  /** A fault of logcalld itself in one step of one call. */
  deliveryDefect(log: Log, call: string, reason: string): void {
    tell(log, 'error', 'delivery-defect', reason, { call });
  },
};

/** The database, and what operators do to it. */
const storage = {
  backedUp(log: Log, text: string): void {
    tell(log, 'info', 'backup', text);
  },

  database(log: Log, level: LogLevel, text: string): void {
    tell(log, level, 'database', text);
  },

  /** Somebody takes a number out of all that is stored. */
  erasing(log: Log, digits: string): void {
    tell(log, 'notice', 'erasing', `An operator erases the number ${maskNumber(digits)}.`);
  },

  salvaged(log: Log, count: number): void {
    tell(log, 'notice', 'salvage', `${count} calls were taken over from a database that was put aside.`);
  },

  /** The disk takes nothing at the start; it is waited for. */
  noRoom(log: Log, why: string): void {
    tell(log, 'error', 'storage-full', `${why} Tried again every 5 s.`);
  },
};

/** The process. */
const life = {
  starting(log: Log, version: string, node: string): void {
    tell(log, 'notice', 'starting', `logcalld ${version}`, { node });
  },

  stopping(log: Log, signal: string): void {
    tell(log, 'notice', 'stopping', `${signal}: finishing what is under way; a second signal stops at once`);
  },

  /** `why`: a sentence. */
  notStopped(log: Log, why: string): void {
    tell(
      log,
      'error',
      'stopping',
      `${why} It ends all the same; posts under way will be looked up after the next start.`,
    );
  },

  stopped(log: Log): void {
    tell(log, 'notice', 'stopped', 'everything heard is stored');
  },

  fatal(log: Log, reason: string): void {
    tell(log, 'error', 'fatal', `${reason} logcalld ends.`);
  },

  reload(log: Log): void {
    const text = 'SIGHUP: trying LeadSquared again; restart the service for changes of the config';
    tell(log, 'notice', 'reload', text);
  },

  reloadFailed(log: Log, why: string): void {
    tell(log, 'warn', 'reload', why);
  },

  systemd(log: Log, text: string): void {
    tell(log, 'warn', 'systemd', text);
  },

  secret(log: Log, text: string): void {
    tell(log, 'warn', 'secret', text);
  },

  warning(log: Log, subject: string, text: string): void {
    tell(log, 'warn', 'warning', text, { subject });
  },

  /** A condition that is raised, has another text, or is over: told by its code, which the program sets, never a PBX or a caller. */
  condition(log: Log, level: LogLevel, code: string, text: string, fields?: Fields): void {
    log.write(level, code, text, fields);
  },
};

/** What people do on the page. */
const PAGE = {
  login: ['info', 'Somebody logged in to the page.'],
  'login-refused': ['warn', 'Somebody tried to log in to the page with a wrong token.'],
  'numbers-shown': [
    'notice',
    'Whole telephone numbers are shown on the page for 15 minutes, as somebody asked for them there.',
  ],
  pause: ['notice', 'Posting was paused on the page.'],
  resume: ['notice', 'Posting goes on, as somebody asked for it on the page.'],
  retry: ['notice', 'LeadSquared is tried at once, as somebody asked for it on the page.'],
  acknowledge: ['notice', 'Somebody took note on the page of the calls that wait.'],
  'acknowledge-notices': ['notice', 'Somebody took note on the page of what happened to the database.'],
  replay: ['notice', 'Calls were sent again on the page.'],
} as const satisfies Readonly<Record<string, readonly [LogLevel, string]>>;

export type PageAction = keyof typeof PAGE;

const page = {
  page(log: Log, action: PageAction): void {
    const [level, text] = PAGE[action];
    tell(log, level, 'page', text, { action });
  },

  pageServed(log: Log, address: string): void {
    tell(log, 'notice', 'page', `The page is at ${address}`);
  },
};

export const events = { ...calls, ...hearing, ...delivery, ...storage, ...life, ...page };

/** A log that knows how often each event was told, at whatever level it shows them. */
export interface CountedLog extends Log {
  /** By name; those of `EVENT_NAMES` from the beginning. */
  told(): ReadonlyMap<string, number>;
}

/** The same log, counted; as it is when it is counted already. `fit`: what is made of the sentences before. */
export function countEvents(log: Log | CountedLog, fit = (text: string): string => text): CountedLog {
  if ('told' in log) return log;
  const counts = new Map<string, number>(EVENT_NAMES.map((name) => [name, 0]));
  return {
    write(level, event, text, fields) {
      counts.set(event, (counts.get(event) ?? 0) + 1);
      log.write(level, event, fit(text), fields);
    },
    told: () => counts,
  };
}
