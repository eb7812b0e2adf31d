/** A CallRecord that comes over the socket. */
import { z } from 'zod';
import type { CallRecord } from '../../src/call/record.ts';

export const DIRECTIONS = ['Inbound', 'Outbound', 'Internal'] as const;
export const STATUSES = [
  ...(['Answered', 'Abandoned', 'Missed', 'Busy', 'Voicemail', 'NoAnswer', 'Cancelled', 'Failed'] as const),
] as const;

const text = z.string().max(1_000).nullable();
const time = z.number().min(0);
const seconds = z.number().min(0);

const evidence = { value: z.string().nullable(), rule: z.string(), fact: z.string() };
const reason = z.strictObject({ ...evidence, rejected: z.array(z.strictObject(evidence)).readonly() });
const reasons = z.strictObject({ direction: reason, external: reason, agent: reason, status: reason });

export const callRecord: z.ZodType<CallRecord> = z.strictObject({
  callSessionId: z.string().min(1).max(200),
  source: z.string().min(1).max(64),
  direction: z.enum(DIRECTIONS),
  status: z.enum(STATUSES),
  external: text,
  externalE164: text,
  externalName: text,
  withheld: z.boolean(),
  did: text,
  didE164: text,
  trunk: text,
  queue: text,
  ringGroup: text,
  agent: text,
  agentDomain: text,
  responsible: text,
  agentsRung: z.array(z.string().max(200)),
  agentsTalked: z.array(z.strictObject({ ext: z.string().max(200), from: time, to: time })),
  startedAt: time,
  answeredAt: time.nullable(),
  endedAt: time,
  endBetween: z.strictObject({ from: time, to: time.nullable() }).nullable().default(null),
  durationSeconds: seconds,
  talkSeconds: seconds,
  ringSeconds: seconds,
  holdSeconds: seconds,
  recording: text,
  recordings: z.array(z.string().max(1_000)),
  q850: z.number().nullable(),
  sip: z.number().nullable(),
  flags: z.array(z.string().max(200)),
  reasons: reasons.nullable(),
  legs: z.number().int().min(0),
});
