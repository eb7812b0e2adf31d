/** The recorded legs as mod_cdr_csv would have written them by another template than that of the recording. */
import { BEST_TEMPLATE } from '../../../../adapters/freeswitch/records/csv/template.ts';
import { bytesOf } from '../../../support/cdr.ts';
import type { Scenario } from '../../../support/recordings.ts';
import type { RecordedBody } from './support.ts';

/** Variables that FreeSWITCH takes from the present caller profile. */
const OF_PROFILE = new Set(['caller_id_number', 'caller_id_name', 'destination_number', 'context']);

/** A line by the template of this program's hints. */
export function bestLine({ bytes }: RecordedBody): string {
  const { variables, callflow } = JSON.parse(bytes.toString()) as {
    variables: Record<string, string>;
    callflow: { caller_profile: Record<string, string> } | { caller_profile: Record<string, string> }[];
  };
  const profile = (Array.isArray(callflow) ? callflow[0] : callflow)?.caller_profile ?? {};
  const value = (name: string) => (OF_PROFILE.has(name) ? profile[name] : unescaped(variables[name] ?? '')) ?? '';
  return `${BEST_TEMPLATE.replace(/\$\{(\w+)\}/g, (_, name: string) => value(name))}\n`;
}

function unescaped(text: string): string {
  const latin1 = text.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, 'latin1').toString();
}

/** The lines of a recording without those of legs that were called: what `legs` a leaves. */
export function withoutCalled(scenario: Scenario, bodies: readonly RecordedBody[]): Buffer {
  const called = new Set(bodies.filter(({ leg }) => leg.called).map(({ leg }) => leg.channel));
  const lines = bytesOf(scenario, 'cdr.csv.gz')
    .toString('latin1')
    .split(/\n(?=")/);
  const id = (line: string): string => /"([0-9a-f]{8}-[0-9a-f-]{27})"/.exec(line)?.[1] ?? '';
  return Buffer.from(`${lines.filter((line) => !called.has(id(line))).join('\n')}\n`, 'latin1');
}
