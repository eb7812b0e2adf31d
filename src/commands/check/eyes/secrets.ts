/** The secrets that a config names: whether they are there, and well kept. */
import { readSecret, SecretError } from '../../../../adapters/host/credentials.ts';
import { type Config, leadsquaredSecrets, recordsSecret, sourceSecret } from '../../../../config/schema.ts';
import type { Secret, SecretRef } from '../../../secret.ts';
import { type Finding, ok } from '../finding.ts';
import type { Eyes } from './service.ts';

export interface Secrets {
  readonly findings: readonly Finding[];
  /** All that were read. */
  readonly found: readonly Secret[];
  /** `null`: it could not be read. */
  get(ref: SecretRef): Secret | null;
}

export function readSecrets(config: Config, eyes: Eyes): Secrets {
  const keys = leadsquaredSecrets(config.leadsquared);
  const records = config.source.flatMap(({ name, records }) =>
    records.flatMap((one) => recordsSecret(name, one) ?? []),
  );
  const refs = [...config.source.map(sourceSecret), ...records, keys.accessKey, keys.secretKey];
  const found = new Map<string, Secret>();
  const findings = refs.map((ref) => readOne(ref, eyes, found));
  return { findings, found: [...found.values()], get: ({ what }) => found.get(what) ?? null };
}

function readOne(ref: SecretRef, eyes: Eyes, found: Map<string, Secret>): Finding {
  const about = 'secret';
  try {
    const { secret, from, warning } = readSecret(ref, eyes.credentials);
    found.set(ref.what, secret);
    if (warning !== null) return { level: 'warn', about, text: warning };
    return ok(about, `${ref.what}, from ${from === 'file' ? ref.file : `a systemd ${from}`}`);
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    return { level: 'FAIL', about, text: error.message, ...remedy(ref, eyes) };
  }
}

/** Where the service takes its secrets from systemd: the file to write, or the line that its unit lacks. */
function remedy({ credential, file }: SecretRef, { unit }: Eyes): Pick<Finding, 'commands' | 'lines'> {
  if (unit === null || file !== null) return {};
  const path = unit.credentials.get(credential)?.path;
  const place = path ?? `/etc/logcalld/credentials/${credential}`;
  const write = `sudo sh -c 'umask 077; cat > ${place}'    # paste the secret, Enter, Ctrl-D`;
  if (path !== undefined) return { commands: [write] };
  return {
    commands: [write, 'sudo systemctl edit logcalld'],
    lines: ['[Service]', `LoadCredential=${credential}:${place}`],
  };
}
