/** SQLite files that another program writes: opened read-only, on a thread of their own, as a question may take a while. */
import { Worker } from 'node:worker_threads';
import { RecordsError } from '../../src/records/port.ts';
import { ANSWER_WITHIN_MS, type Connection, type Database } from './port.ts';
import type { Answer, Question, Start } from './sqlite-worker.ts';

const SUFFIX = import.meta.url.endsWith('.ts') ? '.ts' : '.js';

export interface SqliteOptions {
  readonly file: string;
  /** For the answer to one question, ms. */
  readonly answerWithinMs?: number;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: RecordsError) => void;
}

export function createSqlite({ file, answerWithinMs = ANSWER_WITHIN_MS }: SqliteOptions): Database {
  async function connect(): Promise<Connection> {
    const workerData: Start = { file };
    const worker = new Worker(new URL(`./sqlite-worker${SUFFIX}`, import.meta.url), { workerData, name: 'records' });
    let waiting: Waiting | null = null;
    const ended = new RecordsError(`${file}: reading it was broken off; the records are read again later.`);
    worker.on('message', (answer: Answer) => waiting?.resolve(answer));
    worker.on('error', () => waiting?.reject(ended));
    worker.on('exit', () => waiting?.reject(ended));

    const ask = async (question: Question): Promise<Answer> => {
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      waiting = { resolve, reject };
      const text = `${file}: no answer within ${answerWithinMs / 1000} s: is the disk slow? The records are read again later.`;
      const timer = setTimeout(() => reject(new RecordsError(text)), answerWithinMs);
      worker.postMessage(question);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        waiting = null;
      }
    };
    const close = async (): Promise<void> => {
      await worker.terminate();
    };
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = (question: Question): Promise<Answer> => {
      const answer = last.then(() => ask(question));
      last = answer.catch(() => undefined);
      return answer;
    };
    const select: Connection['select'] = async (sql, values = []) => {
      try {
        const answer = await inTurn({ sql, values });
        if ('rows' in answer) return answer.rows;
        throw new RecordsError(`${file}: ${explained(answer.code)}.`);
      } catch (error) {
        await close();
        throw error;
      }
    };
    // A file that cannot be opened is told here, not by the first question.
    await select('SELECT 1 FROM sqlite_master LIMIT 1');
    return { select, close };
  }
  return { dialect: 'sqlite', name: file, connect };
}

function explained(code: string): string {
  switch (code) {
    case 'SQLITE_CANTOPEN':
      return 'cannot be opened: correct file of [[source.records]], and let the user of logcalld read it and its folder';
    case 'SQLITE_NOTADB':
      return 'is no SQLite database: correct file of [[source.records]]';
    case 'SQLITE_BUSY':
      return 'is locked by the program that writes it; the records are read again later';
    case 'SQLITE_CORRUPT':
      return 'is damaged: PRAGMA integrity_check tells how, and .recover of sqlite3 saves what is left';
    case 'SQLITE_READONLY':
    case 'SQLITE_READONLY_RECOVERY':
    case 'SQLITE_READONLY_CANTINIT':
      return 'was left unfinished by the program that writes it: let that program open it once';
    default:
      return `cannot be read (${code})`;
  }
}
