/** `logcalld check-config`: everything an installation needs, in the order in which it meets trouble. */

import { createClock } from '../../../adapters/host/clock.ts';
import { readSecret, SecretError } from '../../../adapters/host/credentials.ts';
import { createCallLog } from '../../../adapters/leadsquared/call-log.ts';
import { createClient } from '../../../adapters/leadsquared/http/client.ts';
import { heldBy } from '../../../adapters/sqlite/thread/hold.ts';
import { holderText } from '../../../adapters/sqlite/thread/holder.ts';
import { readAuthorities } from '../../../adapters/tls/settings.ts';
import {
  type Config,
  leadsquaredSecrets,
  recordsSecret,
  type SourceConfig,
  sourceSecret,
} from '../../../config/schema.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { callLogPolicyOf, deliveryPolicyOf, planOf } from '../../daemon/settings.ts';
import { UNLIMITED } from '../../permits/port.ts';
import type { Secret, SecretRef } from '../../secret.ts';
import { count, print, tell } from '../output.ts';
import { configOf } from '../shell.ts';
import { callFindings } from './calls.ts';
import { checkBackups, checkDatabase } from './database.ts';
import { endpointFindings, readingsOf } from './endpoints.ts';
import { type Finding, ok } from './finding.ts';
import { checkCrm, checkSource } from './reach.ts';
import { recordsFindings } from './records.ts';
import { checkSchema } from './schema.ts';
import { type Census, userFindings } from './users.ts';

/** Throws `ConfigError` with every problem when the config or the users file is wrong. */
export async function checkConfig(invocation: Invocation, terminal: Terminal): Promise<number> {
  const config = configOf(invocation);
  const policy = deliveryPolicyOf(config);
  const users = policy.user.rows.length;
  const report = (finding: Finding): Finding => {
    const { level, about, text, lines = [] } = finding;
    print(terminal, `${level.padEnd(4)}  ${about.padEnd(22)}  ${text}`);
    for (const line of lines) print(terminal, `          ${line}`);
    return finding;
  };
  report({
    level: 'ok',
    about: 'config',
    text: `${config.source.map(({ name, type }) => `${name} (${type})`).join(', ')} -> ${new URL(config.leadsquared.host).host}`,
  });
  const offline: readonly Finding[] = [
    ...config.notes.map((text): Finding => ({ level: 'warn', about: 'config', text })),
    checkBody(config),
    config.leadsquared.user.file === null
      ? usersWithoutFile(config)
      : ok('users file', `${count(users, 'extension')} in ${config.leadsquared.user.file}`),
    checkDatabase(config.storage.path),
    ...checkSchema(config.storage.path),
    ...checkHolder(config.storage.path),
    ...checkBackups(config.storage.backup),
    ...config.source.flatMap(checkAuthorities),
  ];
  offline.forEach(report);
  (await callFindings(config)).forEach(report);
  const secrets = readSecrets(config);
  secrets.findings.forEach(report);
  const wrong = [...offline, ...secrets.findings].some(({ level }) => level === 'FAIL');
  if (wrong) {
    if (!invocation.flag('offline'))
      tell(terminal, 'The PBX and LeadSquared were not tried: correct the above first, then run this again.');
    return EXIT.config;
  }
  if (invocation.flag('offline')) return EXIT.ok;
  const whole = invocation.flag('all');
  let reached = true;
  const found: Census[] = [];
  for (const source of config.source) {
    const finding = await checkSource(source, secrets.of(sourceSecret(source)));
    report(finding);
    reached &&= finding.level !== 'FAIL';
    const { seen } = finding;
    const plan = planOf(source);
    const readings = seen === null ? [] : readingsOf(plan, seen);
    if (seen !== null) endpointFindings(source.name, plan, seen, readings, whole).forEach(report);
    for (const one of await recordsFindings(source)) {
      report(one);
      reached &&= one.level !== 'FAIL';
    }
    found.push({ source: source.name, plan, readings, complete: seen?.listing.gaps.length === 0 });
  }
  const { file, unknown } = config.leadsquared.user;
  if (file !== null) userFindings(found, { file, rows: policy.user.rows, unknown }, whole).forEach(report);
  const keys = leadsquaredSecrets(config.leadsquared);
  const crm = report(await checkCrm(config, secrets.of(keys.accessKey), secrets.of(keys.secretKey)));
  return reached && crm.level !== 'FAIL' ? EXIT.ok : EXIT.failed;
}

/** Time zones, templates and field names of the body. */
function checkBody(config: Config): Finding {
  const { host, insecure } = config.leadsquared;
  try {
    const client = createClient({
      host,
      insecure,
      accessKey: 'none',
      secretKey: 'none',
      permits: UNLIMITED,
      clock: createClock(),
    });
    createCallLog(client, callLogPolicyOf(config));
    return ok('LogCall body', 'templates and time zones are good');
  } catch (error) {
    return { level: 'FAIL', about: 'LogCall body', text: error instanceof Error ? error.message : String(error) };
  }
}

/** The certificate files of a PBX, and of databases with its records, that are reached over TLS. */
export function checkAuthorities(source: SourceConfig): Finding[] {
  const own = source.type === 'asterisk' ? [{ ...source.tls, table: '[source.tls]' }] : [];
  const places = source.records.flatMap((records) =>
    'tls' in records ? [{ ...records.tls, table: '[source.records.tls]' }] : [],
  );
  return [...own, ...places].flatMap(({ enabled, ca_file: file, table }): Finding[] => {
    if (!enabled || file === null) return [];
    const about = `TLS of ${source.name}`;
    try {
      readAuthorities(file, table);
      return [ok(about, `certificates of ${file}`)];
    } catch (error) {
      return [{ level: 'FAIL', about, text: error instanceof Error ? error.message : String(error) }];
    }
  });
}

function usersWithoutFile({ leadsquared: { user } }: Config): Finding {
  if (user.phone_fields.length > 0) return ok('users file', 'none; users are found by their numbers in LeadSquared');
  const text =
    'none: calls go to the owner of the lead or the default user. Set [leadsquared.user] file, see users.example.csv.';
  return { level: 'warn', about: 'users file', text };
}

/** A daemon that runs on it: a second one would be refused. */
function checkHolder(path: string): Finding[] {
  const held = heldBy(path);
  if (!held.held) return [];
  const text = `in use by ${holderText(held.holder)}; a second "logcalld run" on it is refused while that one runs`;
  return [{ level: 'info', about: 'database', text }];
}

function readSecrets(config: Config) {
  const keys = leadsquaredSecrets(config.leadsquared);
  const found = new Map<string, Secret>();
  const records = config.source.flatMap(({ name, records }) =>
    records.flatMap((one) => recordsSecret(name, one) ?? []),
  );
  const refs = [...config.source.map(sourceSecret), ...records, keys.accessKey, keys.secretKey];
  const findings = refs.map((ref) => readOne(ref, found));
  const of = (ref: SecretRef): Secret => {
    const secret = found.get(ref.what);
    if (secret === undefined) throw new Error(`There is no ${ref.what}.`);
    return secret;
  };
  return { findings, of };
}

function readOne(ref: SecretRef, found: Map<string, Secret>): Finding {
  try {
    const { secret, from, warning } = readSecret(ref, process.env.CREDENTIALS_DIRECTORY);
    found.set(ref.what, secret);
    if (warning !== null) return { level: 'warn', about: 'secret', text: warning };
    return ok('secret', `${ref.what}, from ${from === 'file' ? ref.file : `a systemd ${from}`}`);
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    return { level: 'FAIL', about: 'secret', text: error.message };
  }
}
