/** The entry: command line to command. */
import { runCommandLine } from './cli/cli.ts';
import { bodies } from './compose/bodies.ts';
import { processTerminal, reportError } from './compose/shell.ts';

try {
  process.exitCode = await runCommandLine(process.argv.slice(2), bodies, processTerminal);
} catch (error) {
  process.exitCode = reportError(error, processTerminal);
}
