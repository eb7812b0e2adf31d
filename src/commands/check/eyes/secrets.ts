/** The secrets that a config names: whether they are there, and well kept. */
import { readSecret, SecretError } from '../../../../adapters/host/credentials.ts';
import type { Unit } from '../../../../adapters/host/service/unit.ts';
import { type Config, leadsquaredSecrets, pageSecret, recordsSecret, sourceSecret } from '../../../../config/schema.ts';
import { tokenProblem } from '../../../daemon/page.ts';
import type { Secret, SecretRef } from '../../../secret.ts';
import { type Finding, ok } from '../finding.ts';
import { BY_ROOT, type Eyes, HiddenSecret } from './service.ts';

export interface Secrets {
  readonly findings: readonly Finding[];
  /** All that were read. */
  readonly found: readonly Secret[];
  /** `null`: it could not be read. */
  get(ref: SecretRef): Secret | null;
}

/** All that a config names. */
export function secretsOf(config: Config): readonly SecretRef[] {
  const keys = leadsquaredSecrets(config.leadsquared);
  const records = config.source.flatMap(({ name, records }) =>
    records.flatMap((one) => recordsSecret(name, one) ?? []),
  );
  return [...config.source.map(sourceSecret), ...records, keys.accessKey, keys.secretKey];
}

export function readSecrets(config: Config, eyes: Eyes): Secrets {
  const found = new Map<string, Secret>();
  const findings = secretsOf(config).map((ref) => readOne(ref, eyes, found));
  return {
    findings: [...findings, ...pageFindings(config, eyes, found)],
    found: [...found.values()],
    get: ({ what }) => found.get(what) ?? null,
  };
}

/** Without its token the page is not served; calls are logged all the same. */
function pageFindings({ page }: Config, eyes: Eyes, found: Map<string, Secret>): readonly Finding[] {
  const ref = pageSecret(page);
  // Read in any case: what is found is kept out of the report for others.
  const one = readOne(ref, eyes, found);
  if (page.listen === null) return [];
  if (one.level === 'FAIL') return [{ ...one, level: 'warn' }];
  const token = found.get(ref.what);
  const wrong = token === undefined ? null : tokenProblem(token);
  return wrong === null ? [one] : [{ level: 'warn', about: 'secret', text: `The page is not served: ${wrong}` }];
}

function readOne(ref: SecretRef, { unit, credentials }: Eyes, found: Map<string, Secret>): Finding {
  const about = 'secret';
  try {
    const { secret, from, warning } = readSecret(ref, credentials);
    found.set(ref.what, secret);
    if (warning !== null) return { level: 'warn', about, text: warning };
    return ok(about, `${ref.what}, from ${from === 'file' ? ref.file : `a systemd ${from}`}`);
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    if (error instanceof HiddenSecret)
      return { level: 'skip', about, text: `not looked at: ${error.message}`, ...BY_ROOT };
    const missing = error.missing && unit !== null ? remedy(ref, unit) : {};
    return { level: 'FAIL', about, text: error.message, ...missing };
  }
}

/** What to type where these are there, and were refused; nothing for one that no file holds. */
export function replacing(refs: readonly SecretRef[], { unit }: Eyes): readonly string[] {
  const commands = refs.flatMap(({ credential, file }) => {
    if (unit === null) return file === null ? [] : [written(file, '')];
    const place = unit.credentials.get(credential);
    if (place === undefined) return [];
    if (place.encrypted)
      return [`sudo systemd-creds encrypt --name=${credential} - ${place.path}    # paste, Enter, Ctrl-D twice`];
    return [written(place.path, 'sudo ')];
  });
  return unit === null || commands.length === 0 ? commands : [...commands, 'sudo systemctl restart logcalld'];
}

const written = (path: string, sudo: string): string =>
  `${sudo}sh -c 'umask 077; cat > ${path}'    # paste the secret, Enter, Ctrl-D`;

/** Where the service takes its secrets from systemd: the file to write, or the line that its unit lacks. */
function remedy({ credential, what }: SecretRef, unit: Unit): Partial<Finding> {
  const path = unit.credentials.get(credential)?.path;
  const place = path ?? `/etc/logcalld/credentials/${credential}`;
  const write = written(place, 'sudo ');
  if (path !== undefined)
    return {
      text: `There is no ${what}: the unit hands over ${path}, which does not exist or is empty.`,
      commands: [write],
    };
  const lines = ['[Service]', `LoadCredential=${credential}:${place}`];
  return {
    text: `There is no ${what}: the unit hands over no ${credential}.`,
    commands: [write, 'sudo systemctl edit logcalld'],
    lines,
  };
}
