/** The entry: command line to command. */
import { runCommandLine } from './cli/cli.ts';
import { bodies } from './commands/index.ts';
import { processTerminal, reportError } from './commands/terminal.ts';

try {
  process.exitCode = await runCommandLine(process.argv.slice(2), bodies, processTerminal);
} catch (error) {
  process.exitCode = reportError(error, processTerminal);
}
