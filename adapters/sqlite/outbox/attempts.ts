/** The attempts of a delivery: opened before the first byte leaves, ended with the answer. */
import { createHash } from 'node:crypto';
import type { AttemptResult, Intent, Trigger } from '../../../src/delivery/store.ts';
import type { Connection } from '../thread/rpc.ts';

export interface AttemptWriter {
  /** The intent of a post. */
  open(intent: Intent): void;
  /** Ends the open attempt of a delivery. */
  end(id: number, now: number, result: AttemptResult): void;
  /** A request that is over already: a check, an update. */
  add(id: number, trigger: Trigger, startedAt: number, now: number, result: AttemptResult): void;
  /** Ends all open attempts: the program stopped before their answers came. */
  interrupt(now: number): void;
}

export function attemptWriter(db: Connection): AttemptWriter {
  const number = '(SELECT coalesce(max(number), 0) + 1 FROM attempt WHERE delivery_id = @id)';
  const open = db.prepare<[object]>(
    `INSERT INTO attempt (delivery_id, number, trigger_, slot, slot_wait_ms, started_at, body, body_hash)
     VALUES (@id, ${number}, @trigger, @slot, @slotWaitMs, @startedAt, @body, @hash)`,
  );
  const end = db.prepare<[object]>(
    `UPDATE attempt SET finished_at = @now, outcome = @outcome, http = @http, exception = @exception,
       message = @message, answer = @answer, duration_ms = @durationMs
     WHERE delivery_id = @id AND outcome IS NULL`,
  );
  const add = db.prepare<[object]>(
    `INSERT INTO attempt (delivery_id, number, trigger_, started_at, finished_at, outcome, http, exception, message, answer, duration_ms)
     VALUES (@id, ${number}, @trigger, @startedAt, @now, @outcome, @http, @exception, @message, @answer, @durationMs)`,
  );
  const interrupt = db.prepare<[object]>(
    `UPDATE attempt SET finished_at = @now, outcome = 'interrupted', message = 'The program stopped before the answer came.'
     WHERE outcome IS NULL AND delivery_id IN (SELECT id FROM delivery WHERE state = 'sending')`,
  );
  const columns = ({ outcome, http, exception, message, answer, durationMs }: AttemptResult) => ({
    ...{ outcome, http, exception, message, answer },
    durationMs: Math.round(durationMs),
  });
  return {
    open({ id, trigger, slot, slotWaitMs, startedAt, body }) {
      const text = JSON.stringify(body);
      const hash = createHash('sha256').update(text).digest('hex');
      open.run({ id, trigger, slot, slotWaitMs: Math.round(slotWaitMs), startedAt, body: text, hash });
    },
    end: (id, now, result) => void end.run({ id, now, ...columns(result) }),
    add: (id, trigger, startedAt, now, result) => void add.run({ id, trigger, startedAt, now, ...columns(result) }),
    interrupt: (now) => void interrupt.run({ now }),
  };
}
