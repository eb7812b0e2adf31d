/** What each command does. */
import type { CommandBody } from '../cli/cli.ts';
import type { CommandName } from '../cli/commands.ts';
import { EXIT } from '../cli/help.ts';
import { VERSION } from '../daemon/version.ts';
import { callsList, callsShow } from './calls/calls.ts';
import { rederive } from './calls/rederive.ts';
import { replay } from './calls/replay.ts';
import { capture } from './capture/capture.ts';
import { inspect } from './capture/inspect.ts';
import { checkConfig } from './check/config.ts';
import { demo } from './demo.ts';
import { pause, reload, resume } from './operate.ts';
import { run } from './run.ts';
import { sandbox } from './sandbox.ts';
import { print } from './shell.ts';
import { status } from './status.ts';
import { users } from './users.ts';

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
