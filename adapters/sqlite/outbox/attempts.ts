/** The attempts of a delivery: those of posts opened before the first byte leaves, and ended with the answer. */
import { createHash } from 'node:crypto';
import type { CallLogBody } from '../../../src/delivery/crm.ts';
import type { Step } from '../../../src/delivery/states.ts';
import type { AttemptResult, Intent } from '../../../src/delivery/store.ts';
import type { Connection } from '../thread/rpc.ts';

export interface AttemptWriter {
  /** The intent of a post. */
  open(intent: Intent): void;
  /** Ends the open attempt of a delivery, if there is one. `body`: what was really written, if not that of the intent. */
  end(id: number, now: number, result: AttemptResult, body?: CallLogBody): void;
  /** An attempt that is over already: of another step than the post. */
  add(id: number, step: Step, startedAt: number, now: number, result: AttemptResult): void;
}

/** Of a post whose worker died, or was stopped for too long. */
export const INTERRUPTED: AttemptResult = {
  outcome: 'interrupted',
  http: null,
  exception: null,
  message: 'The program stopped before the answer came.',
  answer: null,
  durationMs: 0,
};

export function attemptWriter(db: Connection): AttemptWriter {
  const number = '(SELECT coalesce(max(number), 0) + 1 FROM attempt WHERE delivery_id = @id)';
  const open = db.prepare<[object]>(
    `INSERT INTO attempt (delivery_id, number, step, trigger_, permit, permit_wait_ms, started_at, body, body_hash)
     VALUES (@id, ${number}, 'post', @trigger, @permit, @permitWaitMs, @startedAt, @body, @hash)`,
  );
  const end = db.prepare<[object]>(
    `UPDATE attempt SET finished_at = @now, outcome = @outcome, http = @http, exception = @exception,
       message = @message, answer = @answer, duration_ms = @durationMs, body = coalesce(@body, body),
       body_hash = coalesce(@hash, body_hash)
     WHERE delivery_id = @id AND outcome IS NULL`,
  );
  const add = db.prepare<[object]>(
    `INSERT INTO attempt (delivery_id, number, step, trigger_, started_at, finished_at, outcome, http, exception, message, answer, duration_ms)
     VALUES (@id, ${number}, @step, (SELECT intent FROM delivery WHERE id = @id), @startedAt, @now, @outcome, @http, @exception,
       @message, @answer, @durationMs)`,
  );
  const columns = ({ outcome, http, exception, message, answer, durationMs }: AttemptResult) => ({
    ...{ outcome, http, exception, message, answer },
    durationMs: Math.round(durationMs),
  });
  return {
    open({ id, trigger, permit, permitWaitMs, startedAt, body }) {
      open.run({ id, trigger, permit, permitWaitMs: Math.round(permitWaitMs), startedAt, ...hashed(body) });
    },
    end: (id, now, result, body) =>
      void end.run({
        id,
        now,
        ...columns(result),
        ...(body === undefined ? { body: null, hash: null } : hashed(body)),
      }),
    add: (id, step, startedAt, now, result) => void add.run({ id, step, startedAt, now, ...columns(result) }),
  };
}

function hashed(value: CallLogBody): { readonly body: string; readonly hash: string } {
  const body = JSON.stringify(value);
  return { body, hash: createHash('sha256').update(body).digest('hex') };
}
