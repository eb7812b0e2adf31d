/** A connection that is made by the first question and closed when none came for a while: for readers who do not say when they are done. */
import type { Connection, Database, Row } from './port.ts';

/** How long a connection without questions is kept, ms. */
const IDLE_MS = 30_000;

export interface Questions {
  /** As `Connection.select`. */
  readonly query: (sql: string, values: readonly (string | number)[]) => Promise<readonly Row[]>;
  /** Never rejects. A later question connects anew. */
  readonly close: () => Promise<void>;
}

export function createQuestions(database: Database, idleMs = IDLE_MS): Questions {
  let current: Promise<Connection> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let asking = 0;

  async function close(): Promise<void> {
    clearTimeout(timer);
    const open = current;
    current = null;
    await open?.then((connection) => connection.close()).catch(() => undefined);
  }

  async function query(sql: string, values: readonly (string | number)[]): Promise<readonly Row[]> {
    clearTimeout(timer);
    current ??= database.connect();
    const own = current;
    asking += 1;
    try {
      const connection = await own;
      return await connection.select(sql, values);
    } catch (error) {
      // One that failed is of no use to the next question.
      if (current === own) current = null;
      throw error;
    } finally {
      asking -= 1;
      if (asking === 0) {
        timer = setTimeout(() => void close(), idleMs);
        timer.unref();
      }
    }
  }
  return { query, close };
}
