/** What each command does. Only the one that is asked for is loaded; what it tells to type fits the place. */
import type { CommandBody } from '../cli/cli.ts';
import type { CommandName } from '../cli/commands.ts';
import { EXIT } from '../cli/help.ts';
import { VERSION } from '../daemon/version.ts';

export const bodies: Readonly<Record<CommandName, CommandBody>> = {
  demo: later(async () => (await import('./demo.ts')).demo),
  init: later(async () => (await import('./init/init.ts')).init),
  async run(invocation) {
    // Before the rest is loaded, which takes seconds on a slow machine.
    const answers = (await import('./here/announce.ts')).announce(invocation);
    return (await import('./run.ts')).run(invocation, answers);
  },
  'check-config': later(async () => (await import('./check/config.ts')).checkConfig),
  doctor: later(async () => (await import('./doctor/doctor.ts')).doctor),
  'calls list': later(async () => (await import('./calls/calls.ts')).callsList),
  'calls show': later(async () => (await import('./calls/details.ts')).callsShow),
  replay: later(async () => (await import('./calls/replay.ts')).replay),
  status: later(async () => (await import('./status.ts')).status),
  gaps: later(async () => (await import('./records/gaps.ts')).gaps),
  backfill: later(async () => (await import('./records/backfill.ts')).backfill),
  pause: later(async () => (await import('./operate.ts')).pause),
  resume: later(async () => (await import('./operate.ts')).resume),
  reload: later(async () => (await import('./operate.ts')).reload),
  acknowledge: later(async () => (await import('./operate.ts')).acknowledge),
  backup: later(async () => (await import('./store/backup.ts')).backup),
  erase: later(async () => (await import('./store/erase.ts')).erase),
  restore: later(async () => (await import('./store/backup.ts')).restore),
  salvage: later(async () => (await import('./store/salvage.ts')).salvage),
  users: later(async () => (await import('./users.ts')).users),
  explain: later(async () => (await import('./calls/explain.ts')).explain),
  tail: later(async () => (await import('./tail/tail.ts')).tail),
  'sessions rederive': later(async () => (await import('./calls/rederive.ts')).rederive),
  capture: later(async () => (await import('./capture/capture.ts')).capture),
  inspect: later(async () => (await import('./capture/inspect.ts')).inspect),
  sandbox: later(async () => (await import('./sandbox.ts')).sandbox),
  async version(_invocation, terminal) {
    terminal.out(`logcalld ${VERSION} (Node ${process.versions.node})\n`);
    return EXIT.ok;
  },
};

function later(load: () => Promise<CommandBody>): CommandBody {
  return async (invocation, terminal) => {
    const [body, { fittedError, fittedTerminal, isOfPlace }] = await Promise.all([load(), import('./here/here.ts')]);
    if (!isOfPlace(invocation.command)) return body(invocation, terminal);
    try {
      return await body(invocation, fittedTerminal(terminal, invocation));
    } catch (error) {
      throw fittedError(error, invocation);
    }
  };
}
