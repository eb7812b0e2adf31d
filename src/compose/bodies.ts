/** What each command does. */
import type { CommandBody } from '../cli/cli.ts';
import type { CommandName } from '../cli/commands.ts';
import { EXIT } from '../cli/help.ts';
import { callsList, callsShow } from './calls.ts';
import { capture } from './capture.ts';
import { checkConfig } from './check-config.ts';
import { demo } from './demo.ts';
import { inspect } from './inspect.ts';
import { pause, reload, resume } from './operate.ts';
import { rederive } from './rederive.ts';
import { replay } from './replay.ts';
import { run } from './run.ts';
import { sandbox } from './sandbox.ts';
import { print } from './shell.ts';
import { status } from './status.ts';
import { users } from './users.ts';
import { VERSION } from './version.ts';

export const bodies: Readonly<Record<CommandName, CommandBody>> = {
  demo,
  run,
  'check-config': checkConfig,
  'calls list': callsList,
  'calls show': callsShow,
  replay,
  status,
  pause,
  resume,
  reload,
  users,
  'sessions rederive': rederive,
  capture,
  inspect,
  sandbox,
  async version() {
    print(`logcalld ${VERSION} (Node ${process.versions.node})`);
    return EXIT.ok;
  },
};
