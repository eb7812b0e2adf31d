/**
 * What is stored with a delivery beside the record of its call: what was posted and answered, and what was said of it. A check is answered
 * with the calls of others, and facts that were corrected after the post are still those of the post.
 */
import type { Connection } from '../thread/rpc.ts';
import type { Wiping } from './wiping.ts';

type Texts = Readonly<Record<string, string | null>>;
interface AttemptTexts {
  readonly number: number;
  readonly body: string | null;
  readonly message: string | null;
  readonly answer: string | null;
}

export interface DeliveryTexts {
  /** Whether the delivery itself names the number: by its body a post whose fate is unknown is looked for. */
  names(id: number, wiping: Wiping): boolean;
  /** Answers whether the delivery or one of its attempts named it; with `write` they do no longer. */
  wipe(id: number, wiping: Wiping, write: boolean): boolean;
}

export function deliveryTexts(db: Connection): DeliveryTexts {
  const own = db.prepare<[number], Texts>(
    'SELECT reason, body, sent_facts AS sent, posted_facts AS posted FROM delivery WHERE id = ?',
  );
  const attempts = db.prepare<[number], AttemptTexts>(
    'SELECT number, body, message, answer FROM attempt WHERE delivery_id = ?',
  );
  const writeOwn = db.prepare<[object]>(
    'UPDATE delivery SET reason = @reason, body = @body, sent_facts = @sent, posted_facts = @posted WHERE id = @id',
  );
  // All else in a body is known, so its hash would tell the number to whoever tries some.
  const writeAttempt = db.prepare<[object]>(
    `UPDATE attempt SET body = @body, message = @message, answer = @answer, body_hash = iif(body IS @body, body_hash, NULL)
     WHERE delivery_id = @id AND number = @number`,
  );
  const ownOf = (id: number, wiping: Wiping) => changed(own.get(id) ?? {}, wiping);
  return {
    names: (id, wiping) => ownOf(id, wiping) !== null,
    wipe(id, wiping, write) {
      const row = ownOf(id, wiping);
      const others = attempts.all(id).flatMap(({ number, ...texts }) => {
        const without = changed(texts, wiping);
        return without === null ? [] : [{ number, ...without }];
      });
      if (write) {
        if (row !== null) writeOwn.run({ id, ...row });
        for (const one of others) writeAttempt.run({ id, ...one });
      }
      return row !== null || others.length > 0;
    },
  };
}

/** `null`: none of these names it. */
function changed(texts: Texts, wiping: Wiping): Texts | null {
  const all = Object.entries(texts).map(([key, text]) => [key, text === null ? null : wiping(text)] as const);
  return all.some(([key, text]) => text !== texts[key]) ? Object.fromEntries(all) : null;
}
