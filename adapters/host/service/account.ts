/** Users and groups of the machine: who the service is, and to become it. */
import { execFileSync } from 'node:child_process';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Of the user itself, and those that the unit adds. */
  readonly groups: readonly { readonly name: string; readonly gid: number }[];
  /** Groups that the unit names and the machine does not have. */
  readonly missing: readonly string[];
}

/** `null`: there is no such user. `more`: names of further groups. */
export function accountOf(name: string, more: readonly string[] = []): Account | null {
  const uid = numberFrom('id', ['-u', name]);
  const gid = numberFrom('id', ['-g', name]);
  if (uid === null || gid === null) return null;
  const own = (ask('id', ['-G', name]) ?? '').split(/\s+/).flatMap((text) => (text === '' ? [] : [Number(text)]));
  const named = more.map((group) => ({ name: group, gid: gidOf(group) }));
  const gids = new Set([gid, ...own, ...named.flatMap((group) => group.gid ?? [])]);
  return {
    ...{ name, uid, gid },
    groups: [...gids].map((one) => ({
      gid: one,
      name: named.find((group) => group.gid === one)?.name ?? groupName(one),
    })),
    missing: named.flatMap((group) => (group.gid === null ? [group.name] : [])),
  };
}

/** The name of a group, its number where it has none. */
export function groupName(gid: number): string {
  return ask('getent', ['group', String(gid)])?.split(':')[0] || String(gid);
}

/** The name of a user, its number where it has none. */
export function userName(uid: number): string {
  return ask('getent', ['passwd', String(uid)])?.split(':')[0] || String(uid);
}

/**
 * Makes this process one of that user, for good: what it may read, write and log in to is then what the service may. Only root can
 * do it.
 */
export function become({ uid, gid, groups }: Account): void {
  process.setgroups?.(groups.map((group) => group.gid));
  process.setgid?.(gid);
  process.setuid?.(uid);
}

function gidOf(group: string): number | null {
  const gid = ask('getent', ['group', group])?.split(':')[2];
  return gid === undefined ? null : Number(gid);
}

function numberFrom(program: string, words: readonly string[]): number | null {
  const text = ask(program, words);
  return text === null || text === '' ? null : Number(text);
}

/** What a program prints; `null` when it ends with another status than 0, or is not there. */
function ask(program: string, words: readonly string[]): string | null {
  try {
    return execFileSync(program, [...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 5_000,
    }).trim();
  } catch {
    return null;
  }
}
