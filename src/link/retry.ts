/**
 * When a link to a PBX is tried again. A PBX repeats nothing it said while nobody listened, so every second without a link
 * is a hole in what is known of the calls; the pace depends on what the attempt costs the PBX.
 *
 * | failure     | what happened                                          | costs the PBX                      |
 * |-------------|--------------------------------------------------------|------------------------------------|
 * | unreachable | nobody took the connection, or it broke before a word  | nothing                            |
 * | dropped     | the PBX took the connection and gave it up             | a login and a list of its channels |
 * | refused     | the PBX said no: password, certificate, version        | a line in its security log         |
 */
export type LinkFailureKind = 'unreachable' | 'dropped' | 'refused';

interface Pace {
  /** Longest delay after the first failure, ms. */
  readonly first: number;
  /** Longest delay of all, ms. */
  readonly ceiling: number;
}

/**
 * For `refused`: fail2ban, as distributions ship it, bans an address after five to ten refused logins in ten minutes but
 * leaves the host's own addresses alone (`ignoreself`). On the same host a corrected password is therefore found at once; over
 * a network the attempts thin out.
 */
const PACES: Readonly<Record<LinkFailureKind, { readonly local: Pace; readonly network: Pace }>> = {
  unreachable: { local: { first: 100, ceiling: 800 }, network: { first: 250, ceiling: 3_000 } },
  dropped: { local: { first: 250, ceiling: 5_000 }, network: { first: 500, ceiling: 15_000 } },
  refused: { local: { first: 5_000, ceiling: 5_000 }, network: { first: 5_000, ceiling: 30_000 } },
};

/**
 * Delay before the next attempt, ms: between half of a bound and the whole of it, so that many clients of a restarted PBX
 * spread out; the bound doubles with each failure up to its ceiling. `failures`: how many of this kind there were in a row,
 * this one included, so from 1. `local`: the PBX is on this host. `random` is in [0, 1).
 */
export function retryDelayMs(kind: LinkFailureKind, failures: number, local: boolean, random: number): number {
  const { first, ceiling } = PACES[kind][local ? 'local' : 'network'];
  const bound = Math.min(ceiling, first * 2 ** Math.min(Math.max(failures - 1, 0), 20));
  return Math.round((bound * (1 + random)) / 2);
}

/** Whether the host, as the config names it, is this machine itself. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return /^(?:localhost|(?:.+\.)?localhost\.?|127(?:\.\d{1,3}){1,3}|::1|::ffff:127(?:\.\d{1,3}){3})$/.test(name);
}
