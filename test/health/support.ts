/** A watch over invented calls, with the config as an administrator writes it. */
import { parseConfig } from '../../config/load.ts';
import type { SourcePlan } from '../../src/call/plan.ts';
import { type CallRecord, EXTENSION_DIALLED } from '../../src/call/record.ts';
import { deliveryPolicyOf, planOf } from '../../src/daemon/settings.ts';
import { createCallWatch } from '../../src/health/call-watch.ts';
import { createConditions } from '../../src/health/conditions.ts';
import { call, FakeClock } from '../delivery/fakes.ts';

export interface Settings {
  /** Keys of the source, before its tables. */
  readonly keys?: readonly string[];
  /** Tables of the source. */
  readonly tables?: readonly string[];
  /** Tables of the file. */
  readonly more?: readonly string[];
}

export function configOf({ keys = [], tables = [], more = [] }: Settings) {
  const text = [
    ...['[[source]]', "type = 'asterisk'", "name = 'pbx'", "username = 'u'", ...keys, ...tables],
    ...['[[source]]', "type = 'freeswitch'", "name = 'other'"],
    ...['[leadsquared]', "host = 'api-in21.leadsquared.com'", ...more],
  ].join('\n');
  const config = parseConfig(text, '/etc/logcalld/logcalld.toml');
  const [source, other] = config.source;
  if (source === undefined || other === undefined) throw new Error('the config lacks a source');
  const plan: SourcePlan = planOf(source);
  return { plan, other: planOf(other), policy: deliveryPolicyOf(config) };
}

/** The settings with lines of advice put where their comments say. */
export function advised(settings: Settings, lines: readonly string[]): Settings {
  const { keys = [], tables = [], more = [] } = settings;
  const [comment = '', ...rest] = lines;
  if (comment.startsWith('# in [leadsquared.lead]'))
    return { ...settings, more: [...more, '[leadsquared.lead]', ...rest] };
  if (comment.startsWith('# after all other lines of [[source]] pbx'))
    return { ...settings, tables: [...tables, ...rest] };
  if (comment.startsWith('# in the [[source.trunk]] of pbx')) {
    // Tests have one such table at most.
    const key = rest[0]?.split(' ')[0] ?? '';
    return { ...settings, tables: [...tables.filter((line) => !line.startsWith(`${key} =`)), ...rest] };
  }
  const key = rest[0]?.split(' ')[0] ?? '';
  return { ...settings, keys: [...keys.filter((line) => !line.startsWith(`${key} =`)), ...rest] };
}

export function bench(settings: Settings = {}, recordingsPosted = true) {
  const { plan, other, policy } = configOf(settings);
  const clock = new FakeClock();
  const logged: string[] = [];
  const conditions = createConditions({ write: (level, event) => logged.push(`${level} ${event}`) });
  const sources = [
    { name: 'pbx', plan },
    { name: 'other', plan: other },
  ];
  const watch = createCallWatch({ sources, policy, recordingsPosted, conditions, clock });
  const start = clock.now();
  return {
    ...{ watch, conditions, clock, logged, plan },
    /** Calls that ended one after the other, up to now, taken in at once. */
    take(...records: readonly CallRecord[]): void {
      watch.fill(records.map((record, n) => ({ ...record, endedAt: start - (records.length - n) * 1000 })));
      watch.review();
    },
    codes: () => conditions.raised().map(({ code, source }) => (source === 'pbx' ? code : `${code} ${source}`)),
    find(code: string) {
      const found = conditions.raised().find((one) => one.code === code);
      if (found === undefined) throw new Error(`${code} is not raised`);
      return found;
    },
  };
}

let made = 0;

/** A call of its own. */
export function some(over: Partial<CallRecord> = {}): CallRecord {
  made += 1;
  return call(made, over);
}

export const times = (n: number, one: (index: number) => CallRecord): CallRecord[] =>
  Array.from({ length: n }, (_, index) => one(index));

export const inbound = (): CallRecord => some();
export const hidden = (trunk = 'PJSIP/trunk-in'): CallRecord =>
  some({ external: 'anonymous', externalE164: null, withheld: true, trunk });
export const caller = (external: string, over: Partial<CallRecord> = {}): CallRecord =>
  some({ external, externalE164: null, ...over });
export const outgoing = (over: Partial<CallRecord> = {}): CallRecord =>
  some({ direction: 'Outbound', trunk: 'PJSIP/xyz', ...over });
export const sent = (external: string | null, trunk = 'PJSIP/xyz'): CallRecord =>
  outgoing({ external, externalE164: null, trunk });

/** A phone dialled a short number and a trunk was used. */
export function short(dialled: string, over: Partial<CallRecord> = {}): CallRecord {
  const fact = `1001 dialled ${dialled}, an extension or group`;
  const reason = { value: 'Internal', rule: EXTENSION_DIALLED, fact, rejected: [] } as const;
  const none = { value: null, rule: '', fact: '', rejected: [] };
  const reasons = { direction: reason, external: none, agent: none, status: none };
  const nobody = { external: null, externalE164: null, did: null, didE164: null, trunk: null, agentsRung: [] };
  return some({ direction: 'Internal', ...nobody, reasons, ...over });
}
