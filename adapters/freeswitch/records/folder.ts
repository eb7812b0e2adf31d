/**
 * Files of mod_json_cdr in folders that may hold hundreds of thousands of them. `<uuid>.cdr.json`, with `prefix-a-leg` `a_<uuid>.cdr.json`
 * for a leg that nobody called; packed ones end with `.gz`. With `rotate`, each start and each HUP begins a folder of its own
 * (`2026-11-22-10-00-00`), and admins sort old files into folders by day: folders are read to a depth of `DEPTH`.
 *
 * A file is written once, at the end of the leg, so its time of modification is when the leg was recorded. Names say nothing of time.
 */
import type { Stats } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RecordsError } from '../../../src/records/port.ts';
import type { SkipTally } from './skipped.ts';

const NAME = /^(?:a_)?([0-9A-Za-z][\w-]*)\.cdr\.json(?:\.gz)?$/;
const DEPTH = 4;

/** Files whose names and times are kept at once. */
const MOST_LISTED = 50_000;

/** Folders asked for a file by its name. */
const MOST_ASKED = 16;

const STATS_AT_ONCE = 32;

export interface RecordFile {
  readonly path: string;
  /** The leg. */
  readonly channel: string;
  /** ms since the epoch, UTC. */
  readonly at: number;
}

/** What a listing found. */
export interface Listing {
  /** By time. */
  readonly files: readonly RecordFile[];
  /** False when there are more, later ones. */
  readonly complete: boolean;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

export class RecordFolders {
  readonly #roots: readonly string[];
  /** Every folder met by the last listing, and when its content changed last. */
  readonly #folders = new Map<string, number>();

  constructor(roots: readonly string[]) {
    this.#roots = [...new Set(roots.map((root) => join(root)))];
  }

  /** Rejects with a `RecordsError` when a folder cannot be read. `skipped`: told of what is no record. */
  async list(range: Range, skipped: SkipTally): Promise<Listing> {
    const files = await this.#gather(range, new Bounded(MOST_LISTED, earliestFirst), skipped);
    return files.listing();
  }

  /** The latest files, the latest first. */
  async newest(most: number, skipped: SkipTally): Promise<readonly RecordFile[]> {
    const files = await this.#gather({ from: 0, to: Number.MAX_SAFE_INTEGER }, new Bounded(most, latestFirst), skipped);
    return files.listing().files.slice(0, most);
  }

  /** The file of a leg; the folders that changed since `since` are asked, those of `log-dir` and `err-log-dir` first. */
  async find(channel: string, since: number): Promise<RecordFile | null> {
    if (!/^[\w-]+$/.test(channel)) return null;
    const changed = [...this.#folders].filter(([, changedAt]) => changedAt >= since).sort(([, a], [, b]) => b - a);
    const folders = new Set([...this.#roots, ...changed.map(([folder]) => folder)]);
    for (const folder of [...folders].slice(0, MOST_ASKED)) {
      for (const name of [`${channel}.cdr.json`, `a_${channel}.cdr.json`]) {
        for (const path of [join(folder, name), join(folder, `${name}.gz`)]) {
          const found = await stat(path).catch(() => null);
          if (found !== null) return { path, channel, at: Math.floor(found.mtimeMs) };
        }
      }
    }
    return null;
  }

  /**
   * Which of these legs have a file. Rejects with a `RecordsError` when a folder cannot be read. No file is read for it, and the names
   * in folders are gone through only where a leg is in none of `log-dir` and `err-log-dir` themselves.
   */
  async present(legs: readonly { readonly channel: string; readonly since: number }[]): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    this.#folders.clear();
    for (const look of [false, true]) {
      const missing = legs.filter(({ channel }) => !found.has(channel));
      if (missing.length === 0) break;
      if (look) await this.#eachRoot((root) => this.#lookFor(root, DEPTH));
      for (const { channel, since } of missing) if ((await this.find(channel, since)) !== null) found.add(channel);
    }
    return found;
  }

  /** Takes note of the folders alone. */
  async #lookFor(folder: string, depth: number): Promise<void> {
    this.#folders.set(folder, (await stat(folder)).mtimeMs);
    for await (const entry of await opendir(folder)) {
      if (!entry.isDirectory() || entry.name.startsWith('.') || depth === 0) continue;
      // One that may not be read is told by a listing.
      await this.#lookFor(join(folder, entry.name), depth - 1).catch(() => undefined);
    }
  }

  async #eachRoot(visit: (root: string) => Promise<void>): Promise<void> {
    for (const root of this.#roots) {
      try {
        await visit(root);
      } catch (error) {
        throw error instanceof RecordsError ? error : new RecordsError(folderProblem(root, error));
      }
    }
  }

  async #gather(range: Range, found: Bounded, skipped: SkipTally): Promise<Bounded> {
    this.#folders.clear();
    await this.#eachRoot((root) => this.#walk(root, DEPTH, range, found, skipped));
    return found;
  }

  async #walk(folder: string, depth: number, range: Range, found: Bounded, skipped: SkipTally): Promise<void> {
    const { mtimeMs } = await stat(folder);
    this.#folders.set(folder, mtimeMs);
    // Files are never changed, so a folder that has got none since then holds none of them.
    const mayHold = mtimeMs >= range.from;
    const deeper: string[] = [];
    let names: string[] = [];
    for await (const entry of await opendir(folder)) {
      if (entry.name.startsWith('.')) continue;
      if (entry.isDirectory()) deeper.push(join(folder, entry.name));
      else if (mayHold) names.push(entry.name);
      if (names.length < STATS_AT_ONCE) continue;
      await take(folder, names, range, found, skipped);
      names = [];
    }
    await take(folder, names, range, found, skipped);
    for (const path of depth > 0 ? deeper : []) {
      try {
        await this.#walk(path, depth - 1, range, found, skipped);
      } catch (error) {
        if (error instanceof RecordsError) throw error;
        if (isLocked(codeOf(error)) && (await mayHoldSome(path, range)))
          throw new RecordsError(folderProblem(path, error));
        skipped.note(`folder ${codeOf(error)}`, folderProblem(path, error));
      }
    }
  }
}

async function take(
  folder: string,
  names: readonly string[],
  range: Range,
  found: Bounded,
  skipped: SkipTally,
): Promise<void> {
  const stats = await Promise.all(names.map((name) => stat(join(folder, name)).catch((error) => codeOf(error))));
  // Of a folder that may be listed and not entered nothing is known.
  const [first] = stats;
  if (typeof first === 'string' && isLocked(first) && stats.every((one) => one === first))
    throw Object.assign(new Error(first), { code: first });
  for (const [index, name] of names.entries()) {
    const path = join(folder, name);
    const one = stats[index];
    if (typeof one !== 'object') noteUnread(skipped, path, one ?? '');
    else if (one.isFile()) takeFile(path, name, one, range, found, skipped);
  }
}

function takeFile(path: string, name: string, { mtimeMs }: Stats, range: Range, found: Bounded, skipped: SkipTally) {
  const at = Math.floor(mtimeMs);
  if (at < range.from || at > range.to) return;
  const channel = NAME.exec(name)?.[1];
  if (channel === undefined) {
    skipped.note('foreign', `${path}: is not named like a record of mod_json_cdr (UUID.cdr.json); move it elsewhere.`);
  } else found.add({ path, channel, at });
}

/** A record that was there and could not be read. */
export function noteUnread(skipped: SkipTally, path: string, code: string): void {
  if (code === 'ENOENT') {
    skipped.note('vanished', `${path}: was removed while the folder was read; keep records longer than gaps last.`);
  } else skipped.note(`unread ${code}`, fileProblem(path, code));
}

/** Why a file cannot be read, in one sentence with the remedy. */
export function fileProblem(path: string, code: string): string {
  const remedy = isDenied(code) ? `; allow it: setfacl -m u:logcalld:r ${path}` : '';
  return `${path}: cannot be read (${code})${remedy}.`;
}

/** True where a folder may hold something of that time: it was changed since. */
async function mayHoldSome(folder: string, { from }: Range): Promise<boolean> {
  return stat(folder).then(
    ({ mtimeMs }) => from > 0 && mtimeMs >= from,
    () => false,
  );
}

/** Why a folder cannot be read, in one sentence with the remedy. */
export function folderProblem(folder: string, error: unknown): string {
  const code = codeOf(error);
  if (code === 'ENOENT') {
    return (
      `${folder}: is not there; load mod_json_cdr (<load module="mod_json_cdr"/> in modules.conf.xml) and write into ` +
      `json_cdr.conf.xml: <param name="log-dir" value="${folder}"/>, <param name="log-b-leg" value="true"/>.`
    );
  }
  if (code === 'ENOTDIR') return `${folder}: is a file; name the folder that is log-dir in json_cdr.conf.xml.`;
  if (isDenied(code))
    return `${folder}: may not be read; allow it: setfacl -R -m u:logcalld:rX -m d:u:logcalld:rX ${folder}.`;
  return `${folder}: cannot be read (${code}); is its disk mounted?`;
}

export function isDenied(code: string): boolean {
  return code === 'EACCES' || code === 'EPERM';
}

/** What is there and cannot be read, for now. */
export function isLocked(code: string): boolean {
  return isDenied(code) || code === 'EIO';
}

/** `EACCES` and the like. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

type Order = (a: RecordFile, b: RecordFile) => number;

const earliestFirst: Order = (a, b) => a.at - b.at || (a.path < b.path ? -1 : 1);
const latestFirst: Order = (a, b) => earliestFirst(b, a);

/** The first of any number of files: when twice as many are held, the later half goes. */
class Bounded {
  readonly #most: number;
  readonly #order: Order;
  #files: RecordFile[] = [];
  #cut = false;

  constructor(most: number, order: Order) {
    this.#most = most;
    this.#order = order;
  }

  add(file: RecordFile): void {
    this.#files.push(file);
    if (this.#files.length >= 2 * this.#most) this.#trim();
  }

  listing(): Listing {
    this.#trim();
    return { files: this.#files, complete: !this.#cut };
  }

  #trim(): void {
    this.#files.sort(this.#order);
    if (this.#files.length <= this.#most) return;
    this.#cut = true;
    // Files of one moment stay together, since the next listing begins behind it.
    const last = this.#files[this.#most - 1]?.at ?? 0;
    this.#files = this.#files.filter((one, index) => index < this.#most || one.at === last);
  }
}
