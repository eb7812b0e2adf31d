/** Where an installation has its database, which is how a command finds the daemon. */
import { refuseStranger } from '../../adapters/control/access.ts';
import { databaseOf } from '../../config/read.ts';
import type { Invocation } from '../cli/command.ts';
import { fileOf } from './here/here.ts';

/** What of a config it takes to find the daemon; a whole one will do as well. */
export interface Place {
  /** The config, as the user names it: what there is to type depends on it. */
  readonly file: string;
  readonly storage: { readonly path: string };
  /** Rejects with `ConfigError` when the rest of the config is wrong; absent where it was looked at before. */
  readonly checkRest?: () => Promise<void>;
}

/**
 * Leaves the rest of the config for when no daemon answers: a running one has checked its own, and the schema costs more than
 * the question. Rejects with `ConfigError`.
 */
export async function placeOf(invocation: Invocation): Promise<Place> {
  const file = fileOf(invocation);
  const whole = async () => (await import('./shell.ts')).configOf(invocation);
  refuseStranger(file);
  const path = databaseOf(file, { env: process.env });
  return path === null ? whole() : { file, storage: { path }, checkRest: async () => void (await whole()) };
}
