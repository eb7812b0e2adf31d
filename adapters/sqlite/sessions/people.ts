/** Whose calls are meant, when and how they went, in SQL: agents by their extensions, users of the CRM, a queue. For `session s` beside `delivery d`. */
import type { CallStatus, Direction } from '../../../src/call/record.ts';

/** An extension whose calls are meant. `null`: of any tenant, on any PBX. */
export interface AgentWanted {
  readonly extension: string;
  readonly domain: string | null;
  readonly source: string | null;
}

/** Absent fields do not restrict. */
export interface PeopleQuery {
  /** Calls in which one of them talked with the outside, or whose call it was though nobody did. */
  readonly agents?: readonly AgentWanted[] | undefined;
  /** Ids of users in the CRM: calls found to be theirs. */
  readonly users?: readonly string[] | undefined;
  /** Calls of which a part lies in [from, to), ms since the epoch. */
  readonly during?: { readonly from: number; readonly to: number } | undefined;
  readonly direction?: Direction | undefined;
  readonly statuses?: readonly CallStatus[] | undefined;
  /** Upper and lower case are the same. */
  readonly queue?: string | undefined;
}

type Part = readonly [sql: string, ...values: (string | number)[]];

/**
 * The JSON of a call is read for an agent only where his extension stands in it, in quotes as `JSON.stringify` makes them. There is no
 * index for these: 2,000 calls, as many as are looked at in one go, take some ms for each, and with a time only its calls are looked at.
 */
const AGENT = `(instr(s.json, ?) > 0 AND ? IN (s.agent, s.json ->> '$.responsible',
  (SELECT value ->> 'ext' FROM json_each(s.json, '$.agentsTalked') WHERE value ->> 'ext' = ?)))`;

function agentPart({ extension, domain, source }: AgentWanted): Part {
  const narrower: Part[] = [];
  if (source !== null) narrower.push(['s.source = ?', source]);
  if (domain !== null) narrower.push(["lower(s.json ->> '$.agentDomain') = lower(?)", domain]);
  const all: readonly Part[] = [...narrower, [AGENT, JSON.stringify(extension), extension, extension]];
  return [`(${all.map(([sql]) => sql).join(' AND ')})`, ...all.flatMap(([, ...values]) => values)];
}

export function peopleParts({ agents, users, direction, during, statuses, queue }: PeopleQuery): readonly Part[] {
  const parts: Part[] = [];
  if (direction !== undefined) parts.push(['s.direction = ?', direction]);
  if (during !== undefined) parts.push(['s.started_at < ? AND s.ended_at >= ?', during.to, during.from]);
  if (statuses !== undefined) parts.push(['s.status IN (SELECT value FROM json_each(?))', JSON.stringify(statuses)]);
  if (queue !== undefined) parts.push(['s.queue = ? COLLATE NOCASE', queue]);
  if (users !== undefined) parts.push(['d.user_id IN (SELECT value FROM json_each(?))', JSON.stringify(users)]);
  if (agents !== undefined) {
    // What is not in a column goes last.
    const any = agents.map(agentPart);
    parts.push([`(${any.map(([sql]) => sql).join(' OR ') || '0'})`, ...any.flatMap(([, ...values]) => values)]);
  }
  return parts;
}
