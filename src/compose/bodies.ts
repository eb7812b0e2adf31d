/** What each command does. */
import type { CommandBody } from '../cli/cli.ts';
import type { CommandName } from '../cli/commands.ts';
import { EXIT } from '../cli/help.ts';
import { capture } from './capture.ts';
import { demo } from './demo.ts';
import { inspect } from './inspect.ts';
import { run } from './run.ts';
import { sandbox } from './sandbox.ts';
import { print } from './shell.ts';
import { VERSION } from './version.ts';

export const bodies: Readonly<Record<CommandName, CommandBody>> = {
  demo,
  run,
  capture,
  inspect,
  sandbox,
  async version() {
    print(`logcalld ${VERSION} (Node ${process.versions.node})`);
    return EXIT.ok;
  },
};
