/** Numbers that were erased, kept as keyed hashes: whoever reads the database is not told them. Runs in the database thread. */
import type { CallRecord } from '../../../src/call/record.ts';
import type { ErasedNumber } from '../../../src/records/erased.ts';
import type { Connection } from '../thread/rpc.ts';
import { goneCalls } from './gone.ts';
import { hasherOf } from './hashing.ts';
import { runsOfDigits, wordsOf } from './writing.ts';

const NOT_KNOWN = Buffer.alloc(0);

export function erasuresModule(db: Connection) {
  const hasher = hasherOf(db);
  const gone = goneCalls(db);
  const add = db.prepare<[object]>(
    `INSERT INTO erasure (digits, whole, length, up_to) VALUES (@digits, @whole, @length, @upTo)
     ON CONFLICT (digits, whole) DO UPDATE SET up_to = max(up_to, excluded.up_to)`,
  );
  const lengths = db.prepare<[], number>('SELECT DISTINCT length FROM erasure').pluck();
  const of = db.prepare<[Buffer, number], Buffer>('SELECT whole FROM erasure WHERE digits = ? AND up_to >= ?').pluck();
  const forget = db.prepare<[object]>('DELETE FROM erasure WHERE up_to < @endedBefore');
  const forgetGone = db.prepare<[object]>('DELETE FROM gone WHERE ended_at < @endedBefore');

  return {
    note: ({ digits, e164, upTo }: ErasedNumber): void => {
      const hash = hasher();
      const whole = e164 === null ? NOT_KNOWN : hash(e164);
      add.run({ digits: hash(digits), whole, length: digits.length, upTo: Math.floor(upTo) });
    },
    covered: ({ records, aheadMs }: { records: readonly CallRecord[]; aheadMs: number }): readonly string[] => {
      const known = lengths.all();
      if (known.length === 0) return [];
      const hash = hasher();
      const isErased = (record: CallRecord): boolean => {
        const { externalE164, startedAt } = record;
        const text = wordsOf(record);
        const seen = new Set<string>();
        for (const run of runsOfDigits(text)) for (const n of known) if (run.length >= n) seen.add(run.slice(-n));
        return [...seen].some((digits) =>
          of.all(hash(digits), startedAt - aheadMs).some((whole) => {
            // As where it is erased: one that has the same digits in another country is left alone.
            const other = externalE164?.endsWith(digits) === true && whole.length > 0;
            return !other || hash(externalE164).equals(whole);
          }),
        );
      };
      return records.filter(isErased).map(({ callSessionId }) => callSessionId);
    },
    /** Of these calls those that were stored once, and were erased or removed since. */
    gone: ({ ids }: { ids: readonly string[] }): readonly string[] => ids.filter(gone.has),
    /** Removes those of calls that nothing tells of any more, which ended before `endedBefore`, ms since the epoch. */
    forgetGone: (args: { endedBefore: number }): void => void forgetGone.run(args),
    /** Removes those whose calls are kept no longer, which began before `endedBefore`, ms since the epoch. */
    forget: (args: { endedBefore: number }): void => void forget.run(args),
  };
}
