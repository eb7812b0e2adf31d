/**
 * Calls that wait with the same sentence, as LeadSquared answered it or as the daemon says why. A sentence may hold a telephone number, so
 * that addresses and forms name it by a digest.
 */
import { createHash } from 'node:crypto';
import type { ReasonCount } from '../../delivery/parked/counts.ts';

/** So many characters of it tell the sentences of one look apart. */
const DIGEST_CHARACTERS = 16;

/** A sentence as addresses and forms name it. */
export const answerName = ({ code, reason }: Pick<ReasonCount, 'code' | 'reason'>): string =>
  createHash('sha256')
    .update(`${code ?? ''}\n${reason}`)
    .digest('hex')
    .slice(0, DIGEST_CHARACTERS);

/** The sentence of that name among those that calls wait with; `null`: none of them, or no longer one of the most frequent of its reason. */
export const answerCalled = (name: string, all: readonly ReasonCount[]): ReasonCount | null =>
  all.find((one) => answerName(one) === name) ?? null;

/** What is told where it is none of them. */
export const NO_SUCH_ANSWER = 'No call waits with this answer any more, or others are more frequent by now.';
