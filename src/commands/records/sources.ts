/** `--source` of commands about what is stored. */
import { type Invocation, UsageError } from '../../cli/command.ts';

/**
 * Nothing was found: where that is because no [[source]] has the name, the error says which there are. A source that was renamed keeps
 * its old name in what is stored, so a name is refused only when nothing is found for it.
 */
export async function refuseUnknownSource(invocation: Invocation): Promise<void> {
  const name = invocation.value('source');
  if (name === null) return;
  const { configOf } = await import('../shell.ts');
  const known = configOf(invocation).source.map((source) => source.name);
  if (known.includes(name)) return;
  throw new UsageError(
    `The config has no source "${name}", and nothing is stored of one.`,
    `--source with one of: ${known.join(', ')}`,
  );
}
