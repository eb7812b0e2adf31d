import type { LedgerEntry } from '../../adapters/leadsquared/sandbox/ledger.ts';
import type { Sandbox } from '../../adapters/leadsquared/sandbox/sandbox.ts';
import { crmNumber, userOf } from './crm.ts';
import type { SeenCall } from './story.ts';

/** How far a call log may be from what the telephones saw, ms. LogCall's times are whole seconds. */
const TIME_MS = 2_000;
const DURATION_S = 1;

/** Limit of LeadSquared's LogCall page: requests in any five seconds. */
export const WORST_WINDOW = 25;

/** Differences between one call log and one call as the telephones saw it; empty when it tells the truth. */
export function differences(entry: LedgerEntry, seen: SeenCall): readonly string[] {
  const { body } = entry;
  const wrong: string[] = [];
  const same = (field: string, wanted: string): void => {
    if (body[field] !== wanted) wrong.push(`${field} is ${JSON.stringify(body[field])}, not ${wanted}`);
  };
  const near = (field: string, earliest: number, latest: number): void => {
    const at = Date.parse(`${String(body[field]).replace(' ', 'T')}Z`);
    if (at >= earliest - TIME_MS && at <= latest + TIME_MS) return;
    wrong.push(
      `${field} is ${String(body[field])}, not ${utc(earliest)}${latest > earliest ? `..${utc(latest)}` : ''}`,
    );
  };
  const customerField = seen.direction === 'Inbound' ? 'SourceNumber' : 'DestinationNumber';
  const agentField = seen.direction === 'Inbound' ? 'DestinationNumber' : 'SourceNumber';

  same('Direction', seen.direction);
  same('Status', seen.status);
  same(customerField, crmNumber(seen.customer));
  same('DisplayNumber', crmNumber(seen.company));
  const agent = seen.agents.find((extension) => body.UserId === userOf(extension));
  if (agent === undefined) wrong.push(`UserId ${String(body.UserId)} is not that of ${seen.agents.join(' or ')}`);
  // An inbound call nobody took was still made to a number of the company.
  const open = seen.direction === 'Inbound' && seen.answeredAt === null && body[agentField] === crmNumber(seen.company);
  if (!open) same(agentField, agent ?? seen.agents.join(' or '));
  near('StartTime', seen.startedAt, seen.startedAt);
  near('EndTime', seen.endKnownFrom ?? seen.endedAt, seen.endKnownBy ?? seen.endedAt);

  const from = seen.answeredAt ?? seen.endedAt;
  const shortest = Math.max(0, (seen.endKnownFrom ?? seen.endedAt) - from) / 1_000;
  const longest = Math.max(0, (seen.endKnownBy ?? seen.endedAt) - from) / 1_000;
  const duration = Number(body.CallDuration);
  if (!(duration >= shortest - DURATION_S && duration <= longest + DURATION_S)) {
    wrong.push(`CallDuration is ${String(body.CallDuration)}, not ${shortest.toFixed(1)}..${longest.toFixed(1)}`);
  }
  return wrong;
}

/**
 * Compares the call logs of one customer with the calls the telephones saw: as many, in the order of their beginnings (of calls that
 * a crash cut off nobody knows in which order they ended), each with a CallSessionId of its own that begins with the name of the PBX.
 */
export function problems(
  entries: readonly LedgerEntry[],
  seen: readonly SeenCall[],
  source: string,
): readonly string[] {
  if (entries.length !== seen.length) return [`${entries.length} call logs for ${seen.length} call(s)`];
  const ids = entries.map((entry) => String(entry.body.CallSessionId));
  const wrong = ids
    .filter((id) => !id.startsWith(`${source}-`))
    .map((id) => `CallSessionId ${id} is not ${source}-...`);
  if (new Set(ids).size !== ids.length) wrong.push(`two calls share a CallSessionId: ${ids.join(', ')}`);
  // Calls that begin in one second are told apart by their ends.
  const order = ({ body }: LedgerEntry): string => `${body.StartTime} ${body.EndTime}`;
  const logged = entries.toSorted((a, b) => order(a).localeCompare(order(b)));
  const inOrder = seen.toSorted((a, b) => a.startedAt - b.startedAt);
  logged.forEach((entry, index) => {
    const call = inOrder[index];
    if (call) wrong.push(...differences(entry, call));
  });
  return wrong;
}

/** What no single call can show: that there is nothing beside the expected calls, nothing twice, and never too much at once. */
export function wrongTogether({ ledger, worstWindow }: Sandbox, expected: number): readonly string[] {
  const wrong = ledger.doubled().map((id) => `${id} was posted ${ledger.bySession(id).length} times`);
  const posted = ledger.calls().length;
  if (posted !== expected) wrong.push(`${posted} call logs for ${expected} calls`);
  const worst = worstWindow();
  if (worst > WORST_WINDOW) wrong.push(`${worst} requests in five seconds`);
  return wrong;
}

function utc(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
