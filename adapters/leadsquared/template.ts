/** Texts with variables of a call in braces, such as `https://pbx.example.com/rec/{year}/{month}/{file}`. */
import type { CallRecord } from '../../src/call/record.ts';
import { cleanText, timeText } from './format.ts';

const VARIABLE = /\{([^{}]*)\}/g;

export interface TemplateContext {
  /** IANA zone of dates. */
  readonly zone: string;
  /** URLs of all recordings of the call. */
  readonly urls: readonly string[];
}

type Value = (record: CallRecord, context: TemplateContext) => string | null;

/** The part of a path after the last slash or backslash. */
const baseName = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

/** Relative parts that a server could resolve to a place outside are left out. */
const pathParts = (path: string): readonly string[] =>
  path.split(/[\\/]+/).filter((part) => part !== '' && part !== '.' && part !== '..');

const VALUES: Readonly<Record<string, Value>> = {
  date: ({ startedAt }, { zone }) => timeText(startedAt, zone).slice(0, 10),
  year: ({ startedAt }, { zone }) => timeText(startedAt, zone).slice(0, 4),
  month: ({ startedAt }, { zone }) => timeText(startedAt, zone).slice(5, 7),
  day: ({ startedAt }, { zone }) => timeText(startedAt, zone).slice(8, 10),
  file: ({ recording }) => (recording === null ? null : baseName(recording)),
  path: ({ recording }) => recording,
  callSessionId: ({ callSessionId }) => callSessionId,
  source: ({ source }) => source,
  direction: ({ direction }) => direction,
  status: ({ status }) => status,
  agent: ({ agent }) => agent,
  // A caller who asked not to be shown is not shown in a note or a link either; the name may be the number.
  external: ({ withheld, externalE164, external }) => (withheld ? null : (externalE164 ?? external)),
  externalName: ({ withheld, externalName }) => (withheld ? null : externalName),
  did: ({ didE164, did }) => didE164 ?? did,
  trunk: ({ trunk }) => trunk,
  queue: ({ queue }) => queue,
  ringGroup: ({ ringGroup }) => ringGroup,
  agentDomain: ({ agentDomain }) => agentDomain,
  flags: ({ flags }) => (flags.length === 0 ? null : flags.join(',')),
};

/** All recordings of the call, a space between them: their names, their URLs. */
const LISTS: Readonly<Record<string, Value>> = {
  files: ({ recordings }) => recordings.map(baseName).join(' ') || null,
  recordings: (_, { urls }) => urls.join(' ') || null,
};

const TEXT_VALUES: Readonly<Record<string, Value>> = { ...VALUES, ...LISTS };

/** Whether the template is about all recordings of the call. */
export function namesRecordings(template: string): boolean {
  return [...template.matchAll(VARIABLE)].some(([, variable = '']) => Object.hasOwn(LISTS, variable));
}

/**
 * @param name what the template is, for the message.
 * @param kind a URL is that of one recording, and knows no variables for all of them.
 * @throws Error that names the unknown variable and the known ones.
 */
export function checkTemplate(name: string, template: string, kind: 'url' | 'text'): void {
  const values = kind === 'url' ? VALUES : TEXT_VALUES;
  for (const [whole, variable = ''] of template.matchAll(VARIABLE)) {
    if (Object.hasOwn(values, variable)) continue;
    throw new Error(`${name} uses ${whole}, which does not exist here: use ${Object.keys(values).join(', ')}.`);
  }
}

function fill(template: string, value: (variable: string) => string | null): { text: string; complete: boolean } {
  let complete = true;
  const text = template.replace(VARIABLE, (_, variable: string) => {
    const filled = value(variable) ?? '';
    if (filled === '') complete = false;
    return filled;
  });
  return { text, complete };
}

/**
 * A URL: every value percent-encoded; `{path}` keeps its slashes. `null` when the call has no value for one of the
 * variables: a link with a hole in it leads nowhere.
 */
export function fillUrl(template: string, record: CallRecord, zone: string): string | null {
  const { text, complete } = fill(template, (variable) => {
    const value = VALUES[variable]?.(record, { zone, urls: [] })?.toWellFormed() ?? null;
    if (value === null) return null;
    return variable === 'path' ? pathParts(value).map(encodeURIComponent).join('/') : encodeURIComponent(value);
  });
  return complete ? text : null;
}

/** A line of text; a variable without a value leaves nothing behind. */
export function fillText(template: string, record: CallRecord, context: TemplateContext): string {
  return cleanText(fill(template, (variable) => TEXT_VALUES[variable]?.(record, context) ?? null).text);
}
