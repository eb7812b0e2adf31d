/** Values that are good each by itself, and not together: looked at when all defaults are known. */
import type { Report } from './check.ts';
import type { Config } from './schema.ts';

type Values = Omit<Config, 'notes'>;

export function checkTogether(config: Values, report: Report): void {
  checkPlaces(config, report);
  const { page, metrics } = config;
  if (page.listen === null || metrics.listen === null) return;
  if (here(page.listen.host) !== here(metrics.listen.host) || page.listen.port !== metrics.listen.port) return;
  report(['page', 'listen'], {
    found: 'the port of metrics.listen',
    expected: 'another one',
    remedy: 'Give the page a port of its own: one address serves one of the two.',
  });
}

/** A block that was copied, and its host forgotten. */
function checkPlaces({ source }: Values, report: Report): void {
  const seen = new Map<string, number>();
  for (const [index, { type, host, port }] of source.entries()) {
    const place = JSON.stringify([type, here(host.toLowerCase()), port]);
    const first = seen.get(place);
    if (first === undefined) seen.set(place, index);
    else
      report(['source', index, 'host'], {
        found: `the PBX of source[${first}], ${host.toLowerCase()}:${port}`,
        expected: 'another one',
        remedy: 'Correct host or port, or take one [[source]] out: each of its calls would be logged twice.',
      });
  }
}

const here = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host);

/** Keys that do nothing beside others, a sentence each. */
export function idleKeys({ leadsquared }: Values): readonly string[] {
  const { lead, user, retry } = leadsquared;
  const notes: string[] = [];
  if (lead.several !== 'first' && lead.search === 'latest')
    notes.push(
      "[leadsquared.lead] several does nothing while search is 'latest', which finds one lead: set search = 'all', or take it out.",
    );
  if (lead.capture_source !== null && lead.unknown !== 'capture')
    notes.push("[leadsquared.lead] capture_source does nothing unless unknown is 'capture'.");
  if (user.default_user !== null && ![...user.unknown, ...user.no_agent].includes('default-user'))
    notes.push("[leadsquared.user] default_user does nothing: neither unknown nor no_agent has 'default-user'.");
  notes.push(...neverTried('unknown', user.unknown), ...neverTried('no_agent', user.no_agent));
  if (retry.base > retry.cap) notes.push('[leadsquared.retry] base is longer than cap, which counts then.');
  for (const key of ['connect_timeout', 'reply_timeout'] as const)
    if (leadsquared[key] > leadsquared.total_timeout)
      notes.push(`[leadsquared] ${key} is longer than total_timeout, which ends a request before.`);
  return notes;
}

/** What settles each call that comes to it. */
const LAST: readonly string[] = ['omit', 'park', 'skip'];

function neverTried(key: string, steps: readonly string[]): readonly string[] {
  const last = steps.findIndex((step) => LAST.includes(step));
  const after = last < 0 ? [] : steps.slice(last + 1);
  if (after.length === 0) return [];
  const names = after.map((step) => `'${step}'`).join(', ');
  return [
    `[leadsquared.user] ${key}: ${names} ${after.length === 1 ? 'is' : 'are'} never tried, as '${steps[last]}' before settles each call.`,
  ];
}
