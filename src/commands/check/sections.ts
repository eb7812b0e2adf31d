/** What there is to look at, in the order in which an installation meets trouble. */

import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkPath, PlaceError } from '../../../adapters/control/socket.ts';
import { createClock } from '../../../adapters/host/clock.ts';
import { createCallLog } from '../../../adapters/leadsquared/call-log.ts';
import { createClient } from '../../../adapters/leadsquared/http/client.ts';
import { heldBy } from '../../../adapters/sqlite/thread/hold.ts';
import { holderText } from '../../../adapters/sqlite/thread/holder.ts';
import { type Config, leadsquaredSecrets, type SourceConfig, sourceSecret } from '../../../config/schema.ts';
import type { UserMapping } from '../../../config/users.ts';
import { callLogPolicyOf, planOf } from '../../daemon/settings.ts';
import { UNLIMITED } from '../../permits/port.ts';
import type { SecretRef } from '../../secret.ts';
import { controlPath } from '../control.ts';
import { type Here, hereOf } from '../here/here.ts';
import { count } from '../output.ts';
import { callFindings } from './calls.ts';
import type { Check } from './checks.ts';
import { checkBackups, checkDatabase } from './database.ts';
import { directoryFindings } from './directory.ts';
import { endpointFindings, readingsOf } from './endpoints.ts';
import { accessFindings, neededFindings } from './eyes/access.ts';
import { authorities } from './eyes/authorities.ts';
import { portFindings } from './eyes/port.ts';
import { replacing } from './eyes/secrets.ts';
import type { Eyes } from './eyes/service.ts';
import { edit, type Finding, ok } from './finding.ts';
import { hearingFindings } from './hearing.ts';
import { checkCrm, checkSource } from './reach.ts';
import { FREEPBX_FILE, recordsAccess, recordsFindings } from './records.ts';
import { checkSchema } from './schema.ts';
import { problemFindings, type Subject } from './subject.ts';
import { type Census, userFindings } from './users.ts';

/** Without a network. */
export function fileChecks({ file, config, rows, usersProblem, eyes, secrets }: Subject): Check[] {
  const otherwise = edit(file);
  const { storage, leadsquared, source } = config;
  return [
    {
      ...{ name: 'config', about: 'config', stage: 'start', otherwise },
      run: () => [
        ok('config', `${sourceNames(config)} -> ${new URL(leadsquared.host).host}`),
        ...config.notes.map((text): Finding => ({ level: 'warn', about: 'config', text })),
        ...accessFindings('config', file, 'read', eyes),
        checkBody(config),
      ],
    },
    {
      ...{
        name: 'users-file',
        about: 'users file',
        stage: 'start',
        otherwise: edit(leadsquared.user.file ?? file, file),
      },
      run() {
        if (usersProblem !== null) return problemFindings('users file', usersProblem);
        return [
          leadsquared.user.file === null
            ? usersWithoutFile(config)
            : usersFile(leadsquared.user.file, rows, eyes, hereOf(file)),
        ].flat();
      },
    },
    {
      ...{ name: 'database', about: 'database', stage: 'start', otherwise },
      run: () => databaseFindings(storage.path, eyes),
    },
    {
      ...{ name: 'damage', about: 'database', stage: 'work', otherwise },
      run: () => (databaseAccess(storage.path, eyes).length > 0 ? [] : checkSchema(storage.path, 'work')),
    },
    {
      ...{ name: 'backups', about: 'daily backup', stage: 'work', otherwise },
      run: () => [
        ...orElse(backupAccess(storage.backup, eyes), () => checkBackups(storage.backup)),
        ...(storage.backup.folder === null ? [] : neededFindings('daily backup', storage.backup.folder, eyes)),
      ],
    },
    {
      ...{ name: 'certificates', about: 'TLS', stage: 'work', otherwise },
      run: () => source.flatMap((one) => authorities(one, eyes)),
    },
    {
      ...{ name: 'records-files', about: 'records', stage: 'work', otherwise },
      run: () => source.flatMap((one) => recordsAccess(one, eyes)),
    },
    {
      ...{ name: 'calls', about: 'calls so far', stage: 'work', needs: ['database', 'damage'], otherwise },
      run: () => callFindings(config),
    },
    {
      ...{ name: 'metrics', about: 'metrics', stage: 'work', otherwise },
      run: () => portFindings(config.metrics, { ...config, file }),
    },
    { ...{ name: 'secrets', about: 'secret', stage: 'start', otherwise }, run: () => secrets.findings },
  ];
}

/** Says what is waited for, one sentence. */
type Say = (text: string) => void;

/** The PBXs and LeadSquared. */
export function reachChecks(
  { file: configFile, config, rows, eyes, secrets, whole, probe }: Subject,
  say: Say,
): Check[] {
  const otherwise = edit(configFile);
  const census: Census[] = [];
  const keys = leadsquaredSecrets(config.leadsquared);
  const { file, unknown } = config.leadsquared.user;
  return [
    ...config.source.map((source): Check => {
      const name = `pbx-${source.name}`;
      return {
        ...{ name, about: `PBX ${source.name}`, stage: 'work', otherwise },
        run: () => sourceFindings(source, { secrets, eyes, whole }, census),
      };
    }),
    ...config.source.map(
      (source): Check => ({
        ...{ name: `hearing-${source.name}`, about: `hearing of ${source.name}`, stage: 'work', otherwise },
        needs: [`pbx-${source.name}`],
        run() {
          const secret = secrets.get(sourceSecret(source));
          return secret === null ? [] : hearingFindings(source, secret, { probe, tell: say });
        },
      }),
    ),
    ...config.source.map((source): Check => {
      const about = `records of ${source.name}`;
      return {
        ...{ name: `records-${source.name}`, about, stage: 'work', otherwise },
        async run() {
          if (recordsAccess(source, eyes).length > 0) return [];
          return recordsFindings(source, FREEPBX_FILE, eyes.credentials);
        },
      };
    }),
    {
      ...{
        name: 'phones',
        about: 'users',
        stage: 'work',
        needs: ['users-file'],
        otherwise: edit(file ?? configFile, configFile),
      },
      run: () => (file === null ? [] : userFindings(census, { file, rows, unknown }, whole)),
    },
    {
      ...{ name: 'leadsquared', about: 'LeadSquared', stage: 'work', otherwise },
      async run() {
        const [accessKey, secretKey] = [secrets.get(keys.accessKey), secrets.get(keys.secretKey)];
        if (accessKey === null || secretKey === null) return [withoutSecret('LeadSquared', keys.accessKey)];
        return [await checkCrm(config, accessKey, secretKey, replacing([keys.accessKey, keys.secretKey], eyes))];
      },
    },
    {
      ...{
        name: 'directory',
        about: 'LeadSquared users',
        stage: 'work',
        needs: ['leadsquared', 'users-file'],
        otherwise,
      },
      async run() {
        const [accessKey, secretKey] = [secrets.get(keys.accessKey), secrets.get(keys.secretKey)];
        if (accessKey === null || secretKey === null) return [withoutSecret('LeadSquared users', keys.accessKey)];
        return directoryFindings(config, rows, { accessKey, secretKey }, { whole, here: hereOf(configFile) });
      },
    },
  ];
}

const sourceNames = ({ source }: Config): string => source.map(({ name, type }) => `${name} (${type})`).join(', ');

/** The first, or what else there is to find. */
const orElse = (first: readonly Finding[], other: () => readonly Finding[]): readonly Finding[] =>
  first.length > 0 ? first : other();

async function sourceFindings(
  source: SourceConfig,
  { secrets, eyes, whole }: Pick<Subject, 'secrets' | 'eyes' | 'whole'>,
  census: Census[],
): Promise<Finding[]> {
  const secret = secrets.get(sourceSecret(source));
  if (secret === null) return [withoutSecret(`PBX ${source.name}`, sourceSecret(source))];
  const { seen, ...finding } = await checkSource(source, secret, replacing([sourceSecret(source)], eyes));
  const plan = planOf(source);
  const readings = seen === null ? [] : readingsOf(plan, seen);
  census.push({ source: source.name, plan, readings, complete: seen?.listing.gaps.length === 0 });
  const endpoints = seen === null ? [] : endpointFindings(source.name, plan, seen, readings, whole);
  return [finding, ...endpoints];
}

const withoutSecret = (about: string, { what }: SecretRef): Finding => ({
  level: 'skip',
  about,
  text: `not asked, because the ${what} is not at hand (see above)`,
});

/** Time zones, templates and field names of the body. */
function checkBody(config: Config): Finding {
  const { host, insecure } = config.leadsquared;
  try {
    const keys = { accessKey: 'none', secretKey: 'none' };
    const client = createClient({ ...{ host, insecure, ...keys }, permits: UNLIMITED, clock: createClock() });
    createCallLog(client, callLogPolicyOf(config));
    return ok('LogCall body', 'templates and time zones are good');
  } catch (error) {
    return { level: 'FAIL', about: 'LogCall body', text: error instanceof Error ? error.message : String(error) };
  }
}

function usersFile(file: string, rows: readonly UserMapping[], eyes: Eyes, here: Here): readonly Finding[] {
  const empty: Finding = {
    ...{ level: 'warn', about: 'users file', text: `${file} has no line yet: no call has an agent who is known.` },
    ...{ expected: 'a line for each extension', commands: [here.edit(file)] },
  };
  const found = rows.length === 0 ? empty : ok('users file', `${count(rows.length, 'extension')} in ${file}`);
  return orElse(accessFindings('users file', file, 'read', eyes), () => [found]);
}

function usersWithoutFile({ leadsquared: { user } }: Config): Finding {
  if (user.phone_fields.length > 0) return ok('users file', 'none; users are found by their numbers in LeadSquared');
  const text =
    `none: which agent took a call cannot be told; whose it is then says [leadsquared.user] unknown (${user.unknown.join(', ')}). ` +
    'Set [leadsquared.user] file, see users.example.csv.';
  return { level: 'warn', about: 'users file', text };
}

const databaseAccess = (path: string, eyes: Eyes): readonly Finding[] => [
  ...accessFindings('database', dirname(path), 'write', eyes),
  ...(existsSync(path) ? accessFindings('database', path, 'write', eyes) : []),
];

function databaseFindings(path: string, eyes: Eyes): readonly Finding[] {
  return orElse(databaseAccess(path, eyes), () => [
    checkDatabase(path),
    ...checkSchema(path, 'start'),
    ...checkHolder(path),
    ...(eyes.unit === null ? checkSocket(path) : []),
  ]);
}

/** Beside the database; a service has a folder of its own for it. */
function checkSocket(path: string): Finding[] {
  try {
    checkPath(controlPath({ storage: { path } }, process.env));
    return [];
  } catch (error) {
    if (!(error instanceof PlaceError)) throw error;
    return [{ level: 'FAIL', about: 'control socket', text: error.message }];
  }
}

function backupAccess({ enabled, folder }: Config['storage']['backup'], eyes: Eyes): Finding[] {
  return enabled && folder !== null ? accessFindings('daily backup', folder, 'write', eyes) : [];
}

/** A daemon that runs on it: a second one would be refused. */
function checkHolder(path: string): Finding[] {
  const held = heldBy(path);
  if (!held.held) return [];
  const text = `in use by ${holderText(held.holder)}; a second "logcalld run" on it is refused while that one runs`;
  return [{ level: 'info', about: 'database', text }];
}
