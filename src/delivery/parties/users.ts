/** Which CRM user an extension belongs to: the users file joined with the users the CRM has. */
import type { OnCondition } from '../../condition.ts';
import { events } from '../../events.ts';
import type { Clock, Log } from '../../ports.ts';
import type { CrmUser, Directory, Reply } from '../crm.ts';
import type { UserPolicy } from '../policy.ts';
import type { UserStore } from '../store.ts';
import { type Extension, nameOf } from './extension.ts';

/** One line of the users file. */
export interface UserRow {
  readonly extension: string;
  /** E-mail address or id of the CRM's user. */
  readonly user: string;
  /** Name of the PBX the extension belongs to; `null`: any. */
  readonly source: string | null;
  /** Domain of the tenant the extension belongs to; `null`: any, as long as no line for the extension has one. */
  readonly domain: string | null;
  /** Where it stands in the file. */
  readonly line?: number;
}

/** `known`: the user's id. `unknown`: surely nobody. `not-yet`: the CRM's users were never fetched and are needed. */
export type UserMatch =
  | { readonly kind: 'known'; readonly id: string }
  | { readonly kind: 'unknown'; readonly why: string }
  | { readonly kind: 'not-yet' };

/** Looks for an active user by e-mail or id. `users` `null`: not known yet. `crm`: its name, for the reason. */
export function findUser(emailOrId: string, users: readonly CrmUser[] | null, crm: string): UserMatch {
  if (users === null) return emailOrId.includes('@') ? { kind: 'not-yet' } : { kind: 'known', id: emailOrId };
  const wanted = emailOrId.toLowerCase();
  const found = users.find((user) => user.id.toLowerCase() === wanted || user.email.toLowerCase() === wanted);
  if (found === undefined) return { kind: 'unknown', why: `${crm} has no user ${emailOrId}` };
  if (!found.active) return { kind: 'unknown', why: `the ${crm} user ${emailOrId} is inactive` };
  return { kind: 'known', id: found.id };
}

/** Why the owner of a lead gets no calls of it; `null`: he does, also where he is not among the users, or those are not known. */
export function ownerGone(id: string, users: readonly CrmUser[] | null, crm: string): string | null {
  const owner = users?.find((user) => user.id.toLowerCase() === id.toLowerCase());
  return owner === undefined || owner.active ? null : `the ${crm} user ${owner.email || owner.id} is inactive`;
}

/**
 * The line of the users file for an extension: that of its domain, else one without a domain; of each, the line for this PBX
 * before the line for any. Where the extension has lines with domains, a line without one stands for none of the others:
 * extension 101 of two tenants is two people.
 */
export function matchRow(rows: readonly UserRow[], { extension, source, domain }: Extension): UserRow | undefined {
  const own = rows.filter((row) => row.extension === extension && (row.source === source || row.source === null));
  const ofDomain = own.filter((row) => domain !== null && row.domain?.toLowerCase() === domain.toLowerCase());
  const split = (row: UserRow) =>
    own.some((other) => other.domain !== null && (row.source === null || other.source === row.source));
  const open = own.filter((row) => row.domain === null && !split(row));
  for (const fitting of [ofDomain, open]) {
    const row = fitting.find((one) => one.source === source) ?? fitting[0];
    if (row !== undefined) return row;
  }
  return undefined;
}

/** The user of an extension: by the users file, else by the numbers the CRM holds (`discover`). */
export function matchUser(of: Extension, policy: UserPolicy, users: readonly CrmUser[] | null, crm: string): UserMatch {
  const row = matchRow(policy.rows, of);
  if (row !== undefined) return findUser(row.user, users, crm);
  const name = nameOf(of);
  const nobody: UserMatch = { kind: 'unknown', why: `extension ${name} is not in the users file` };
  if (!policy.discover) return nobody;
  if (users === null) return { kind: 'not-yet' };
  const having = havingExtension(of, users);
  const [only] = having;
  if (only !== undefined && having.length === 1) return { kind: 'known', id: only.id };
  return having.length > 1 ? { kind: 'unknown', why: `several ${crm} users have extension ${name}` } : nobody;
}

/** The same rule for the numbers that the CRM holds, of which some may be written with a domain. */
function havingExtension(of: Extension, users: readonly CrmUser[]): readonly CrmUser[] {
  const having = (fits: (phone: string) => boolean) =>
    users.filter((user) => user.active && user.phones.some((phone) => fits(phone.trim().toLowerCase())));
  const plain = of.extension.toLowerCase();
  const split = having((phone) => phone.startsWith(`${plain}@`)).length > 0;
  return having((phone) => phone === (split ? nameOf(of).toLowerCase() : plain));
}

export interface Users {
  /** Loads the copy on disk and begins to fetch; resolves when the copy is loaded. */
  start(): Promise<void>;
  stop(): void;
  /** Resolves when users are known, or the first attempt to fetch them failed. */
  settled(): Promise<void>;
  match(of: Extension): UserMatch;
  /** The default user of the policy, `null` when there is none. */
  fallback(): UserMatch | null;
  /** Why the owner of a lead, by his id, is passed over; `null`: he is not. The CRM lets one who is deactivated keep his leads. */
  ownerGone(id: string): string | null;
  /** Fetches now; an unusable answer leaves the old users in place. Resolves with whether the users are new. */
  refresh(): Promise<boolean>;
  readonly fetchedAt: number | null;
  readonly count: number;
}

interface UserParts {
  readonly directory: Directory;
  /** The CRM's name, for messages. */
  readonly crm: string;
  readonly store: UserStore;
  readonly clock: Clock;
  readonly policy: UserPolicy;
  readonly log: Log;
  readonly onCondition: OnCondition;
  /** Called after the users became known or changed. */
  readonly onFresh: () => void;
  /** Hears of each answer to the question for the users, and of none. */
  readonly onAnswer: (reply: Reply<unknown>) => void;
  /** False while the CRM is known to be away: no request is made. */
  readonly allowed: () => boolean;
}

/** After a list that could not be had or believed, twice as long each time up to the interval of the policy. */
const RETRY_MS = 60_000;
/** Fewer than this part of the known users is taken for a wrong answer, until it comes again. */
const ABSURD = 0.5;

export function createUsers(parts: UserParts): Users {
  const { directory, crm, store, clock, policy, log, onCondition, onFresh, onAnswer, allowed } = parts;
  let users: readonly CrmUser[] | null = null;
  let fetchedAt: number | null = null;
  let cancel: (() => void) | null = null;
  let stopped = false;
  let under: Promise<boolean> | null = null;
  /** The list that was too short to be believed. */
  let doubted: readonly CrmUser[] | null = null;
  let failures = 0;
  const first = Promise.withResolvers<void>();

  async function fetchOnce(): Promise<boolean> {
    const reply = await directory.users({ priority: 'background' });
    onAnswer(reply);
    if (reply.kind !== 'accepted' || reply.value === null) return stale(reply.message);
    const fresh = reply.value;
    const before = users?.length ?? 0;
    const absurd = fresh.length < before * ABSURD || (fresh.length === 0 && before > 0);
    if (absurd && doubted?.length !== fresh.length) {
      doubted = fresh;
      return stale(`${crm} listed ${fresh.length} users where there were ${before}; believed when it says so again`);
    }
    doubted = null;
    users = fresh;
    fetchedAt = clock.now();
    failures = 0;
    await store.save({ users: fresh, at: fetchedAt });
    onCondition({ code: 'crm-users-stale', raised: false, severity: 'warning', text: 'The users are up to date.' });
    onFresh();
    return true;
  }

  function stale(why: string): boolean {
    failures += 1;
    onCondition({
      code: 'crm-users-stale',
      raised: true,
      // Without any, calls are not logged: they wait.
      severity: users === null ? 'error' : 'warning',
      text:
        users === null
          ? `The users of ${crm} could not be fetched (${why}), and none is known from before: calls that need one wait until they are.`
          : `The users of ${crm} could not be refreshed (${why}); the ${users.length} known before are used.`,
    });
    return false;
  }

  function refresh(): Promise<boolean> {
    under ??= fetchOnce()
      .catch((error: unknown) => stale(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        under = null;
        first.resolve();
      });
    return under;
  }

  const retryMs = (): number => Math.min(policy.refreshMs, RETRY_MS * 2 ** Math.min(20, Math.max(0, failures - 1)));

  function schedule(ms: number): void {
    cancel?.();
    if (stopped) return;
    cancel = clock.after(ms, () => {
      if (!allowed()) {
        first.resolve();
        schedule(RETRY_MS);
        return;
      }
      refresh().then(
        (fresh) => schedule(fresh ? policy.refreshMs : retryMs()),
        () => schedule(retryMs()),
      );
    });
  }

  return {
    async start() {
      const kept = await store.load({});
      users = kept?.users ?? null;
      fetchedAt = kept?.at ?? null;
      if (kept !== null) first.resolve();
      if (kept !== null) events.usersLoaded(log, kept.users.length);
      // However new the copy is: keys or a host that were changed are tried now, not with the first call.
      schedule(1);
    },
    stop() {
      stopped = true;
      cancel?.();
    },
    settled: () => first.promise,
    match: (of) => matchUser(of, policy, users, crm),
    fallback: () => (policy.defaultUser === null ? null : findUser(policy.defaultUser, users, crm)),
    ownerGone: (id) => ownerGone(id, users, crm),
    refresh,
    get fetchedAt() {
      return fetchedAt;
    },
    get count() {
      return users?.length ?? 0;
    },
  };
}
