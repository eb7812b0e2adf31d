import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { isObject, type JsonObject, parseJson } from '../json.ts';

/** One write that was carried out. Repeats are kept: the real API does not de-duplicate, so neither does this. */
export interface LedgerEntry {
  readonly seq: number;
  readonly kind: 'logcall' | 'update' | 'capture';
  /** Wall-clock time at which it was carried out, ms since the epoch. */
  readonly at: number;
  /** The request body as it came. */
  readonly body: JsonObject;
  readonly activityId: string | null;
  readonly leadId: string | null;
}

export interface Ledger {
  /** Everything carried out, oldest first. */
  entries(): readonly LedgerEntry[];
  /** Accepted call logs, oldest first. */
  calls(): readonly LedgerEntry[];
  /** Accepted call logs with this CallSessionId; more than one is a doubled call. */
  bySession(callSessionId: string): readonly LedgerEntry[];
  /** CallSessionIds that were accepted more than once. */
  doubled(): readonly string[];
  append(entry: Omit<LedgerEntry, 'seq'>): LedgerEntry;
  close(): void;
}

const KINDS: readonly LedgerEntry['kind'][] = ['logcall', 'update', 'capture'];

function readEntry(line: string, seq: number): LedgerEntry | null {
  const value = parseJson(line);
  if (!isObject(value) || !isObject(value.body)) return null;
  const kind = KINDS.find((known) => known === value.kind);
  if (kind === undefined) return null;
  return {
    seq,
    kind,
    at: Number(value.at),
    body: value.body,
    activityId: typeof value.activityId === 'string' ? value.activityId : null,
    leadId: typeof value.leadId === 'string' ? value.leadId : null,
  };
}

/**
 * @param file JSON Lines; each entry is on the disk before the reply leaves. A file that exists is read first, so that
 * the ledger outlives the process. A last line torn by a kill is left out: its reply was never sent.
 */
export function openLedger(file: string | null): Ledger {
  const entries: LedgerEntry[] = [];
  const sessions = new Map<string, LedgerEntry[]>();

  const keep = (entry: LedgerEntry): void => {
    entries.push(entry);
    const session = entry.body.CallSessionId;
    if (entry.kind !== 'logcall' || typeof session !== 'string') return;
    const same = sessions.get(session);
    if (same === undefined) sessions.set(session, [entry]);
    else same.push(entry);
  };

  if (file !== null && existsSync(file)) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const entry = readEntry(line, entries.length + 1);
      if (entry !== null) keep(entry);
    }
  }
  let fd = file === null ? null : openSync(file, 'a', 0o600);
  // Ends a line that a kill tore, so that the next entry does not become part of it.
  if (fd !== null && entries.length > 0) writeSync(fd, '\n');

  return {
    entries: () => entries,
    calls: () => entries.filter((entry) => entry.kind === 'logcall'),
    bySession: (callSessionId) => sessions.get(callSessionId) ?? [],
    doubled: () => [...sessions].filter(([, same]) => same.length > 1).map(([session]) => session),
    append(written) {
      const entry = { seq: entries.length + 1, ...written };
      if (fd !== null) {
        writeSync(fd, `${JSON.stringify(entry)}\n`);
        fsyncSync(fd);
      }
      keep(entry);
      return entry;
    },
    close() {
      if (fd !== null) closeSync(fd);
      fd = null;
    },
  };
}
