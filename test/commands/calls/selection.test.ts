import t from 'tap';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { parseCommandLine } from '../../../src/cli/parse.ts';
import { selectionOf } from '../../../src/commands/calls/selection.ts';
import { PARKED_CODES, SKIPPED_CODES } from '../../../src/delivery/parked/reasons.ts';

function reasonOf(...words: readonly string[]) {
  const parsed = parseCommandLine(['replay', '--reason', ...words], COMMANDS, 'demo');
  if (parsed.kind === 'help') throw new Error('help');
  const { code, reason } = selectionOf(parsed.invocation, 0);
  return { code, reason };
}

t.test('a code of a reason means itself alone, any other word a piece of a sentence', async (t) => {
  for (const code of [...PARKED_CODES, ...SKIPPED_CODES]) t.same(reasonOf(code), { code, reason: undefined }, code);
  t.same(reasonOf(' Other '), { code: 'other', reason: undefined });
  t.same(reasonOf('The other party'), { code: undefined, reason: 'the other party' });
  t.throws(() => reasonOf('rejectd-'), /There is no reason rejectd-/);
});
