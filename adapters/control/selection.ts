/** Which calls are meant: what the requests for a list and for a replay have in common. */
import { z } from 'zod';
import { DELIVERY_STATES } from '../../src/delivery/states.ts';
import { DIRECTIONS, STATUSES } from './call-record.ts';

/** ms since the epoch. */
export const time = z.number().int().min(0);
export const id = z.string().min(1).max(200);
const word = z.string().trim().min(1).max(200);
const state = z.enum(DELIVERY_STATES);

/** Times: ms since the epoch; calls that ended in [since, until). */
export const selection = {
  since: time.optional(),
  until: time.optional(),
  states: z.array(state).max(DELIVERY_STATES.length).optional(),
  source: z.string().max(64).optional(),
  /** The last digits of the other party's number. */
  number: z
    .string()
    .regex(/^\d{1,20}$/, { error: 'digits only' })
    .optional(),
  /** The code of a reason. */
  code: z.string().min(1).max(50).optional(),
  /** A piece of its sentence, or a code that this version does not know. */
  reason: z.string().min(1).max(200).optional(),
  /** The whole sentence, as `status` counts them; empty: none was kept. */
  sentence: z.string().max(10_000).optional(),
};
/** Whose calls, when and how, besides. */
export const people = {
  direction: z.enum(DIRECTIONS).optional(),
  statuses: z.array(z.enum(STATUSES)).max(STATUSES.length).optional(),
  /** Calls of which a part lies in [from, to), ms since the epoch. */
  during: z.strictObject({ from: time, to: time }).optional(),
  /** An extension (`101`, `101@tenant.example`), or a user of LeadSquared, whose extensions are meant. */
  agent: word.optional(),
  /** A user of LeadSquared: id, address, name, or a part of the name. */
  user: word.optional(),
  queue: word.optional(),
};
