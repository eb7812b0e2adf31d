/** Phones of the PBXs held against the users file, before the first call shows what is missing there. */
import type { SourcePlan } from '../../call/plan.ts';
import { type Extension, nameOf } from '../../delivery/parties/extension.ts';
import { matchRow, type UserRow } from '../../delivery/parties/users.ts';
import { type Reading, shortened } from './endpoints.ts';
import type { Finding } from './finding.ts';

/** What was found at one PBX. */
export interface Census {
  readonly source: string;
  readonly plan: SourcePlan;
  readonly readings: readonly Reading[];
  /** False when there may be more phones than these. */
  readonly complete: boolean;
}

export interface UsersFile {
  readonly file: string;
  readonly rows: readonly UserRow[];
  /** What happens to calls of an extension without a user, in the words of the config. */
  readonly unknown: readonly string[];
}

/** Phones without a line, for each PBX; then lines without a phone, where all phones are known. `whole`: long lists, too. */
export function userFindings(found: readonly Census[], users: UsersFile, whole: boolean): Finding[] {
  const phones = found.map((one) => phonesOf(one));
  return [
    ...found.flatMap((one, at) => withoutLine(one.source, phones[at] ?? [], users, whole)),
    ...withoutPhone(found, phones.flat(), users, whole),
  ];
}

function phonesOf({ source, readings }: Census): Extension[] {
  const phones = new Map<string, Extension>();
  for (const { kind, party } of readings) {
    if (kind !== 'account' || party.side !== 'extension' || party.ext === null) continue;
    const phone = { extension: party.ext, source, domain: party.domain };
    phones.set(nameOf(phone), phone);
  }
  return [...phones.values()];
}

function withoutLine(source: string, phones: readonly Extension[], users: UsersFile, whole: boolean): Finding[] {
  const { file, rows, unknown } = users;
  const missing = phones.filter((phone) => matchRow(rows, phone) === undefined);
  if (missing.length === 0) return [];
  const names = shortened(missing.map(nameOf), whole);
  const about = `users of ${source}`;
  if (missing.length === phones.length) {
    const text = `none of the phones (${names}) has a line in ${file}: write its column "extension" as the PBX does.`;
    return [{ level: 'warn', about, text }];
  }
  const have = missing.length === 1 ? 'has' : 'have';
  const text = `${missing.length} of ${phones.length} phones ${have} no line in ${file}: ${names}. For their calls [leadsquared.user] unknown counts: ${unknown.join(', ')}.`;
  return [{ level: 'info', about, text }];
}

function withoutPhone(
  found: readonly Census[],
  phones: readonly Extension[],
  { file, rows }: UsersFile,
  whole: boolean,
): Finding[] {
  const lost = rows.filter(({ extension, source, domain }) => {
    const asked = found.filter((one) => source === null || one.source === source);
    // A number taken on a mobile needs no phone.
    const elsewhere = asked.some(({ plan, complete }) => !complete || [...plan.mobiles.values()].includes(extension));
    if (asked.length === 0 || elsewhere) return false;
    const fits = (phone: Extension): boolean =>
      phone.extension === extension &&
      (source === null || phone.source === source) &&
      (domain === null || phone.domain?.toLowerCase() === domain.toLowerCase());
    return !phones.some(fits);
  });
  if (lost.length === 0) return [];
  const [have, is] = lost.length === 1 ? ['has a line', 'it'] : ['have lines', 'them'];
  const text = `${shortened(lost.map(nameInFile), whole)} ${have} in ${file}, but no phone was found for ${is}.`;
  return [{ level: 'info', about: 'users file', text }];
}

/** An extension as its line has it, with the PBX where the line names one. */
function nameInFile(row: UserRow): string {
  return row.source === null ? nameOf(row) : `${nameOf(row)} (${row.source})`;
}
