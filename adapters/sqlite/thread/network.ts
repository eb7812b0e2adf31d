/** File systems of other machines, on which neither SQLite's write-ahead log nor its locks can be relied on. */
import { statfsSync } from 'node:fs';
import { StorageError } from './errors.ts';

/** `f_type` of statfs(2), from linux/magic.h and the kernel's sources. FUSE says nothing about where the files are. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
]);

/** What kind of network file system `path` is on; `null`: none, or it cannot be told. */
export function networkOf(path: string, typeOf: (path: string) => number = fileSystemType): string | null {
  try {
    // The kernel's word has 32 bits; with the highest one set it may come as a negative number.
    return NETWORK.get(typeOf(path) >>> 0) ?? null;
  } catch {
    return null;
  }
}

/** Throws `StorageError` with one sentence when `path` is on one (sqlite.org/wal.html: "does not work over a network filesystem"). */
export function refuseNetwork(path: string, typeOf: (path: string) => number = fileSystemType): void {
  const kind = networkOf(path, typeOf);
  if (kind !== null) throw new StorageError('DATABASE_NETWORK', `Cannot use the database ${path}: ${onNetwork(kind)}`);
}

/** The rest of a sentence about such a file. */
export function onNetwork(kind: string): string {
  return `it is on a network file system (${kind}), where SQLite cannot keep it whole; set [storage] path to a local disk.`;
}

const fileSystemType = (path: string): number => statfsSync(path).type;
