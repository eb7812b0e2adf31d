/** The lines of the config that settle what an endpoint is, where its name says something else than what the PBX shows. */
import type { SourcePlan } from '../plan.ts';
import type { MisreadName } from './side.ts';

/**
 * Lines of TOML for the tables of one source (`source`: its configured name), with comments that tell where they belong: what
 * `misreadName` found is then settled by the administrator's own word, and no warning any more. Phones are added to the present
 * patterns of `extensions`, since that key replaces its default; trunks get a `[[source.trunk]]` of their own that changes nothing
 * but the side. Each endpoint once, in the order of their names; none for nothing.
 */
export function adviceFor(
  misread: readonly Pick<MisreadName, 'endpoint' | 'side'>[],
  plan: SourcePlan,
  source: string,
): string[] {
  const named = (side: MisreadName['side']): string[] => {
    const endpoints = misread.filter((one) => one.side === side).map((one) => one.endpoint);
    return [...new Set(endpoints)].sort().map(patternOf);
  };
  const phones = named('extension');
  const trunks = named('trunk');
  const patterns = [...plan.extensions.map(({ text }) => text), ...phones];
  return [
    ...(phones.length === 0
      ? []
      : [
          `# in [[source]] ${source}, in place of its line "extensions" if it has one:`,
          `extensions = ${list(patterns)}`,
        ]),
    ...(trunks.length === 0
      ? []
      : [`# after all other lines of [[source]] ${source}:`, '[[source.trunk]]', `match = ${list(trunks)}`]),
  ];
}

/** A pattern of the config that matches this endpoint and no other. */
export function patternOf(endpoint: string): string {
  // What means something else in a pattern is written as a regular expression.
  if (!/[*{}]/.test(endpoint) && !endpoint.startsWith('/')) return endpoint;
  return `/^${endpoint.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}$/`;
}

/** A list of texts as TOML writes it. */
export function list(patterns: readonly string[]): string {
  return `[${patterns.map(quoted).join(', ')}]`;
}

/** A string of TOML: between apostrophes it stands as it is; what cannot stand there is escaped between quotation marks. */
function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what TOML forbids there
  return /['\u0000-\u001f\u007f]/.test(text) ? JSON.stringify(text).replaceAll('\u007f', '\\u007F') : `'${text}'`;
}
