/**
 * `/sandbox/...`: steering and reading the stand-in server from another process. These requests are no API requests: they
 * need no keys and do not count towards the limit.
 */
import { isObject, listOf, parseJson, textOf } from '../json.ts';
import { type Answer, badRequest, json } from './answer.ts';
import { FAULT_KINDS, type FaultList, type FaultRule } from './faults.ts';
import type { SandboxRequest } from './routes.ts';
import type { World } from './world.ts';

export interface SandboxStats {
  /** API requests that arrived, the refused ones included. */
  readonly arrivals: number;
  /** The most arrivals in any closed window. */
  readonly worstWindow: number;
  readonly limit: number;
  readonly windowMs: number;
  /** Requests refused for their rate. */
  readonly refused: number;
  /** Requests hit by a scripted fault. */
  readonly faults: number;
  /** Call logs accepted, repeats included. */
  readonly calls: number;
  /** CallSessionIds accepted more than once. */
  readonly doubled: readonly string[];
  /** Requests by path. */
  readonly paths: Readonly<Record<string, number>>;
}

/** A codec: the rules of a JSON body, `null` when one of them is not a rule. */
function readRules(body: unknown): readonly FaultRule[] | null {
  const list = Array.isArray(body) ? listOf(body) : [body];
  const good = list.every((rule) => {
    if (!isObject(rule) || !isObject(rule.fault)) return false;
    const { match } = rule;
    if (match !== undefined && !isObject(match)) return false;
    return FAULT_KINDS.has(textOf(rule.fault.kind) ?? '');
  });
  return good ? (list as readonly FaultRule[]) : null;
}

export function control(request: SandboxRequest, world: World, faults: FaultList, stats: () => SandboxStats): Answer {
  switch (`${request.method} ${request.path}`) {
    case 'POST /sandbox/faults': {
      const rules = readRules(parseJson(request.body));
      if (rules === null) {
        const kinds = [...FAULT_KINDS].join(', ');
        return badRequest(`Send one rule or a list: {"match":{},"times":1,"fault":{"kind":"reset"}}. Kinds: ${kinds}.`);
      }
      try {
        faults.add(rules);
      } catch (error) {
        return badRequest(error instanceof Error ? error.message : 'A path is not a regular expression.');
      }
      return json(200, { added: rules.length });
    }
    case 'DELETE /sandbox/faults':
      faults.clear();
      return json(200, { cleared: true });
    case 'GET /sandbox/ledger': {
      const session = request.query.get('session');
      return json(200, session === null ? world.ledger.entries() : world.ledger.bySession(session));
    }
    case 'GET /sandbox/stats':
      return json(200, stats());
    default:
      return json(404, { Message: 'Known: POST and DELETE /sandbox/faults, GET /sandbox/ledger, GET /sandbox/stats.' });
  }
}
