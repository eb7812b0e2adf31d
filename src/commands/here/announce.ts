/** The first thing that `logcalld run` does. */
import { databaseOf } from '../../../config/read.ts';
import type { Invocation } from '../../cli/command.ts';
import { fileOf } from './here.ts';
import { controlPath } from './sockets.ts';
import { announceStart } from './starting.ts';

/** As far as the config is good enough to tell where; what is wrong with it is told later. The returned function ends it. */
export function announce(invocation: Invocation): () => void {
  const path = databaseAt(fileOf(invocation));
  return path === null ? () => {} : announceStart(controlPath({ storage: { path } }, process.env), path);
}

function databaseAt(file: string): string | null {
  try {
    return databaseOf(file, { env: process.env });
  } catch {
    return null;
  }
}
