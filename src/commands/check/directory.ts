/** The users of LeadSquared held against the users file and the default user, before the first call shows what does not fit. */
import { existsSync } from 'node:fs';
import { createClock } from '../../../adapters/host/clock.ts';
import { createDirectory } from '../../../adapters/leadsquared/directory.ts';
import { heldBy } from '../../../adapters/sqlite/thread/hold.ts';
import { openReadOnly } from '../../../adapters/sqlite/thread/read-only.ts';
import type { Config } from '../../../config/schema.ts';
import type { UserMapping } from '../../../config/users.ts';
import { CRM, directoryPolicyOf } from '../../daemon/settings.ts';
import type { CrmUser } from '../../delivery/crm.ts';
import { findUser } from '../../delivery/parties/users.ts';
import type { Secret } from '../../secret.ts';
import type { Here } from '../here/here.ts';
import { count, dateTime } from '../output.ts';
import { shortened } from './endpoints.ts';
import { type Finding, info, ok } from './finding.ts';
import { clientOf } from './reach.ts';

const ABOUT = 'LeadSquared users';

/** `whole`: long lists as they are. */
interface View {
  readonly whole: boolean;
  readonly here: Here;
}

/** Those that a running daemon fetched, else as LeadSquared tells them now: beside a daemon no further request is made. */
export async function directoryFindings(
  config: Config,
  rows: readonly UserMapping[],
  keys: { readonly accessKey: Secret; readonly secretKey: Secret },
  view: View,
): Promise<Finding[]> {
  if (heldBy(config.storage.path).held) {
    const fetched = await fetchedUsers(config);
    if (fetched === null) return [info(ABOUT, 'not compared: the running logcalld has not fetched them yet')];
    const findings = compared(config, rows, fetched.users, view);
    const from = `as the running logcalld fetched them at ${dateTime(fetched.at)}; "logcalld reload" fetches them anew`;
    return [...findings, info(ABOUT, from)];
  }
  const client = clientOf(config, createClock(), keys.accessKey, keys.secretKey);
  const reply = await createDirectory(client, directoryPolicyOf(config)).users({ priority: 'background' });
  await client.close();
  if (reply.value === null) return [{ level: 'FAIL', about: ABOUT, text: reply.message }];
  return compared(config, rows, reply.value, view);
}

async function fetchedUsers({ storage: { path } }: Config) {
  if (!existsSync(path)) return null;
  const file = openReadOnly(path);
  try {
    return await file.remote.users.load({});
  } finally {
    file.close();
  }
}

function compared(
  { leadsquared: { user } }: Config,
  rows: readonly UserMapping[],
  users: readonly CrmUser[],
  view: View,
): Finding[] {
  return [...rowFindings(user.file, rows, users, view), ...defaultFindings(user.default_user, users)];
}

/** Lines are named by their number and extension: whose they are is the company's own business. */
function rowFindings(
  file: string | null,
  rows: readonly UserMapping[],
  users: readonly CrmUser[],
  view: View,
): Finding[] {
  const active = users.filter((user) => user.active);
  if (file === null) return [ok(ABOUT, `${count(active.length, 'active user')}`)];
  const matched = rows.map((row) => ({ row, match: findUser(row.user, users, CRM) }));
  const ids = matched.flatMap(({ match }) => (match.kind === 'known' ? [match.id] : []));
  const lost = matched.filter(({ match }) => match.kind !== 'known').map(({ row }) => row);
  const [inactive, unknown] = [
    lost.filter((row) => isInactive(row, users)),
    lost.filter((row) => !isInactive(row, users)),
  ];
  const without = active.filter(({ id }) => !ids.includes(id)).length;
  return [
    ...(lost.length > 0 || rows.length === 0
      ? []
      : [ok(ABOUT, `each of the ${count(rows.length, 'line')} of ${file} is an active user`)]),
    ...lostFindings(unknown, 'names nobody that LeadSquared has', file, view),
    ...lostFindings(inactive, 'names a user that is not active any more', file, view),
    ...(without === 0
      ? []
      : [info(ABOUT, `${without} of ${count(active.length, 'active user')} have no extension in ${file}`)]),
  ];
}

function isInactive({ user }: UserMapping, users: readonly CrmUser[]): boolean {
  const wanted = user.toLowerCase();
  return users.some(({ id, email }) => id.toLowerCase() === wanted || email.toLowerCase() === wanted);
}

function lostFindings(rows: readonly UserMapping[], what: string, file: string, { whole, here }: View): Finding[] {
  if (rows.length === 0) return [];
  const names = shortened(
    rows.map(({ line, extension }) => `line ${line} (extension ${extension})`),
    whole,
  );
  const each = rows.length === 1 ? what : `each ${what}`;
  const text = `${names} of ${file} ${each}: calls of that extension have no user.`;
  const expected = 'the e-mail address or the id of an active user, as LeadSquared writes it';
  return [{ level: 'warn', about: ABOUT, text, expected, commands: [here.edit(file), here.restart] }];
}

function defaultFindings(name: string | null, users: readonly CrmUser[]): Finding[] {
  if (name === null) return [];
  const match = findUser(name, users, CRM);
  if (match.kind === 'known') return [ok(ABOUT, 'the default user is an active user')];
  const text = 'default_user below [leadsquared.user] is no active user of LeadSquared: calls that need it are parked.';
  return [{ level: 'FAIL', about: ABOUT, text, expected: 'the e-mail address or the id of an active user' }];
}
