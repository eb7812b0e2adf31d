/** `logcalld salvage`: calls of a database that was put aside as damaged are taken over. */
import { resolve } from 'node:path';
import { callRecord } from '../../../adapters/control/call-record.ts';
import { salvaged } from '../../../adapters/sqlite/backups/salvage.ts';
import type { Terminal } from '../../cli/cli.ts';
import type { Invocation } from '../../cli/command.ts';
import { EXIT } from '../../cli/help.ts';
import { reachRunning } from '../control.ts';
import { count, print, tell } from '../output.ts';
import { placeOf } from '../place.ts';
import { progress } from '../progress.ts';

export async function salvage(invocation: Invocation, terminal: Terminal): Promise<number> {
  const file = resolve(invocation.arguments[0] ?? '');
  const dryRun = invocation.flag('dry-run');
  const daemon = await reachRunning(await placeOf(invocation), 'it is what stores the calls');
  const shown = progress(terminal);
  const sum = { taken: 0, known: 0, done: 0, unread: 0, erased: 0 };
  const strange = { count: 0, names: new Set<string>() };
  let read = 0;
  try {
    for (const { calls, done, unread } of salvaged(file, Date.now())) {
      // Text can be damaged, and be JSON all the same.
      const records = calls.filter((call) => callRecord.safeParse(call).success);
      sum.done += done;
      sum.unread += unread + calls.length - records.length;
      read += calls.length + done;
      if (records.length > 0) {
        const answer = await daemon.call('salvage', { records, dryRun });
        sum.taken += answer.taken.length;
        sum.erased += answer.erased.length;
        sum.known += records.length - answer.taken.length - answer.strange.length - answer.erased.length;
        strange.count += answer.strange.length;
        for (const name of answer.strange) strange.names.add(name);
      }
      shown.at(read, `${read} calls read, ${sum.taken} taken over ...`);
      if (terminal.gone === true) break;
    }
  } finally {
    shown.clear();
  }
  const { taken, known, done, unread } = sum;
  const took = dryRun ? 'would be taken over' : `${taken === 1 ? 'was' : 'were'} taken over`;
  print(
    terminal,
    `${count(taken, 'call')} ${took}; ${known} are known already, ${done} had been settled (posted, or none to be posted), ${unread} could not be read.`,
  );
  if (sum.erased > 0) tell(terminal, `${count(sum.erased, 'call')} left out, as the number was erased.`);
  if (strange.count > 0) {
    const names = [...strange.names].sort().join(', ');
    tell(
      terminal,
      `${count(strange.count, 'call')} of sources that the config does not have (${names}) ${strange.count === 1 ? 'was' : 'were'} left alone: is ${file} of another installation?`,
    );
  }
  if (taken > 0 && !dryRun) {
    tell(
      terminal,
      'They are looked for in LeadSquared before they are posted, and have the flag "salvaged". Numbers whose erasure this database does not know of may be among them: erase them again.',
    );
  }
  return EXIT.ok;
}
