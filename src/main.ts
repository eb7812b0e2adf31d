/** The entry: command line to command. */
import { SecretError } from '../adapters/host/credentials.ts';
import { ConfigError } from '../config/problem.ts';
import { runCommandLine } from './cli/cli.ts';
import { UsageError } from './cli/command.ts';
import { EXIT } from './cli/help.ts';
import { bodies } from './compose/bodies.ts';

/** Errors that the user can mend: their message is all there is to say. */
function statusOf(error: unknown): number {
  if (error instanceof ConfigError || error instanceof SecretError) {
    process.stderr.write(`${error.message}\n`);
    return EXIT.config;
  }
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`logcalld: ${message}\n`);
  if (error instanceof UsageError) process.stderr.write(`Try: ${error.hint}\n`);
  return error instanceof UsageError ? EXIT.usage : EXIT.failed;
}

try {
  process.exitCode = await runCommandLine(process.argv.slice(2), bodies, {
    out: (text) => void process.stdout.write(text),
    error: (text) => void process.stderr.write(text),
  });
} catch (error) {
  process.exitCode = statusOf(error);
}
