/**
 * What is concluded, and from what. A conclusion keeps the rule and the fact that decided, and what other facts would have
 * said, so that "why is this call Outbound?" has an answer that can be checked.
 */

import { NONE, plus } from './few.ts';

/** Something that speaks for a value. */
export interface Evidence<T> {
  readonly value: T;
  /** Name of the rule, in words of telephony: `birth-context`, `dialled-by-the-pbx`. */
  readonly rule: string;
  /** What was seen, in words of the PBX: `Newstate Ring`, `context from-pstn`. */
  readonly fact: string;
}

/** What the evidence comes to. `rejected`: what weaker evidence would have said, where that is something else. */
export interface Conclusion<T> extends Evidence<T> {
  readonly rejected: readonly Evidence<T>[];
}

/** A rule of judging: a value with the fact that led to it, `null` where the rule has nothing to say. */
export interface Rule<I, T> {
  readonly name: string;
  find(input: I): { readonly value: T; readonly fact: string } | null;
}

/**
 * The first rule that has something to say decides. Throws when none has: the last rule of a list always answers. It says what is so
 * when nothing speaks for anything, and is therefore no evidence against what was found.
 */
export function decide<I, T>(rules: readonly Rule<I, T>[], input: I): Conclusion<T> {
  const found: Evidence<T>[] = [];
  for (const rule of rules) {
    if (found.length > 0 && rule === rules.at(-1)) break;
    const one = rule.find(input);
    if (one !== null) found.push({ value: one.value, rule: rule.name, fact: one.fact });
  }
  return concluded(found);
}

/** The same without asking what the weaker rules would have said: for conclusions that are drawn again with every event. */
export function decideFirst<I, T>(rules: readonly Rule<I, T>[], input: I): Conclusion<T> {
  for (const rule of rules) {
    const one = rule.find(input);
    if (one !== null) return { value: one.value, rule: rule.name, fact: one.fact, rejected: NONE };
  }
  throw new Error('No rule had anything to say.');
}

/** The evidence that comes first in `order` (rules, the surest first) decides; of equally sure evidence the oldest. */
export function weigh<T>(evidence: readonly Evidence<T>[], order: readonly string[]): Conclusion<T> {
  let surest = evidence[0];
  let agreed = true;
  for (const one of evidence) {
    if (surest === undefined) break;
    agreed &&= one.value === surest.value;
    if (rankOf(one, order) < rankOf(surest, order)) surest = one;
  }
  if (surest !== undefined && agreed) return conclusion(surest, NONE);
  return concluded([...evidence].sort((a, b) => rankOf(a, order) - rankOf(b, order)));
}

function rankOf({ rule }: Evidence<unknown>, order: readonly string[]): number {
  const rank = order.indexOf(rule);
  return rank < 0 ? order.length : rank;
}

function concluded<T>(found: readonly Evidence<T>[]): Conclusion<T> {
  const first = found[0];
  if (first === undefined) throw new Error('No rule had anything to say.');
  const agreed = found.every((one) => one.value === first.value);
  return conclusion(first, agreed ? NONE : found.filter((one) => one.value !== first.value));
}

function conclusion<T>({ value, rule, fact }: Evidence<T>, rejected: readonly Evidence<T>[]): Conclusion<T> {
  return { value, rule, fact, rejected };
}

/** With what is not known yet, else the same list; a rule speaks once for each value. */
export function withEvidence<T>(evidence: readonly Evidence<T>[], one: Evidence<T>): readonly Evidence<T>[] {
  if (evidence.some((known) => known.rule === one.rule && known.value === one.value)) return evidence;
  return plus(evidence, one);
}
