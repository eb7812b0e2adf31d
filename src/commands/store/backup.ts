/** `logcalld backup` and `logcalld restore`. */
import { resolve } from 'node:path';
import { megabytes } from '../../../adapters/sqlite/backups/megabytes.ts';
import { backUp, restore as putBack } from '../../../adapters/sqlite/upkeep/backup.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { count, dateTime, print } from '../output.ts';
import { placeOf } from '../place.ts';

/** Reads the database itself, in this process: neither the daemon nor its thread of the database is asked. */
export async function backup(invocation: Invocation, terminal: Terminal): Promise<number> {
  const { storage } = await placeOf(invocation);
  const target = resolve(invocation.arguments[0] ?? '');
  const { at, calls, bytes } = backUp(storage.path, target, { at: Date.now(), replace: invocation.flag('force') });
  print(
    terminal,
    `Backed up to ${target}: ${count(calls, 'call')}, ${megabytes(bytes)}, as of ${dateTime(at)}; every page was checked.`,
  );
  print(
    terminal,
    'It holds telephone numbers and names: keep it where only those may read it who may read the database.',
  );
  return EXIT.ok;
}

export async function restore(invocation: Invocation, terminal: Terminal): Promise<number> {
  const { storage } = await placeOf(invocation);
  const source = resolve(invocation.arguments[0] ?? '');
  const { copy, aside, waiting } = putBack(storage.path, source, Date.now());
  const from = dateTime(copy.at);
  print(terminal, `Restored ${storage.path} from ${source}: ${count(copy.calls, 'call')}, as of ${from}.`);
  if (aside !== null) print(terminal, `The database that was there is kept as ${aside}.`);
  print(
    terminal,
    `What was stored after ${from} is not in it. Numbers that were erased since then are in it again: erase them anew.`,
  );
  print(
    terminal,
    `When logcalld starts, it looks in LeadSquared for ${count(waiting, 'call')} that had not been posted by then, and for every call that began before the start, before it posts them: they may have been posted since.`,
  );
  return EXIT.ok;
}
