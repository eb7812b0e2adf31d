/** `logcalld run`: the daemon in the foreground. */
import { PlaceError } from '../../adapters/control/socket.ts';
import { createClock } from '../../adapters/host/clock.ts';
import { onCrash } from '../../adapters/host/crash.ts';
import { SecretError } from '../../adapters/host/credentials.ts';
import type { HostLog } from '../../adapters/host/log.ts';
import { onSignals } from '../../adapters/host/signals.ts';
import { createNotifier, type Notifier } from '../../adapters/host/systemd.ts';
import { StorageError } from '../../adapters/sqlite/thread/errors.ts';
import { heldBy, inUse } from '../../adapters/sqlite/thread/hold.ts';
import type { Invocation } from '../cli/command.ts';
import { EXIT } from '../cli/help.ts';
import { type Daemon, type DaemonParts, startDaemon } from '../daemon/daemon.ts';
import { statusLine } from '../daemon/status-line.ts';
import { VERSION } from '../daemon/version.ts';
import { countEvents, events } from '../events.ts';
import type { Clock, Log } from '../ports.ts';
import { checkDatabase } from './check/database.ts';
import { refuseIncomplete } from './check/missing.ts';
import { controlPath } from './control.ts';
import { fitted, hereOf } from './here/here.ts';
import { logOf, secretReader } from './log.ts';
import { configOf } from './shell.ts';
import { SetupError } from './terminal.ts';

const STATUS_EVERY_MS = 5_000;
/** Four minutes in all, for which systemd is asked. */
const ROOM_AGAIN_MS = 5_000;
const ROOM_TRIES = 48;

/** Resolves with the exit status when the daemon has ended. `answers`: called when the commands can ask it. */
export async function run(invocation: Invocation, answers: () => void): Promise<number> {
  const config = configOf(invocation);
  const output = logOf(config.log);
  const here = hereOf(config.file);
  const log = countEvents(output, (text) => fitted(text, () => here));
  const clock = createClock({ bootId: process.env.LOGCALLD_BOOT_ID });
  const stopWatching = onCrash({ log: output, clock, exit: () => process.exit(EXIT.software) });
  const ended = Promise.withResolvers<number>();
  let daemon: Daemon | null = null;
  const stopListening = onSignals({
    drain: (signal) => {
      events.stopping(log, signal);
      ended.resolve(EXIT.ok);
    },
    stopNow: () => process.exit(EXIT.failed),
    reload: () => {
      events.reload(log);
      daemon?.delivery.retryNow().catch((error: unknown) => events.reloadFailed(log, String(error)));
    },
  });
  try {
    const database = checkDatabase(config.storage.path);
    if (database.level === 'FAIL') throw new SetupError(`The database cannot be opened: ${database.text}`);
    events.starting(log, VERSION, process.version);
    const notifier = createNotifier({ env: process.env, onProblem: (text) => events.systemd(log, text) });
    const parts: DaemonParts = {
      config,
      clock,
      log,
      readSecret: secretReader(output),
      controlPath: controlPath(config, process.env),
      stop: here.stop,
      onFatal: (reason) => {
        events.fatal(log, reason);
        ended.resolve(EXIT.failed);
      },
    };
    try {
      refuseIncomplete(config, parts.readSecret);
    } catch (error) {
      throw setupError(error, config.storage.path);
    }
    const started = notifier.starting('opening the database');
    daemon = await startWithRoom(parts, ended.promise).finally(started);
    // A signal came while it waited.
    if (daemon === null) return await ended.promise;
    answers();
    return await live(daemon, ended.promise, { notifier, log, output, clock });
  } finally {
    // Where the start failed as well: a signal ends what is left, whatever keeps it.
    stopListening();
    stopWatching();
  }
}

interface Surroundings {
  readonly notifier: Notifier;
  readonly log: Log;
  readonly output: HostLog;
  readonly clock: Clock;
}

/** Until `ended`, and to the end of its stop. */
async function live(daemon: Daemon, ended: Promise<number>, { notifier, log, output, clock }: Surroundings) {
  notifier.ready(lineOf(daemon));
  const stopWatchdog = notifier.watchdog(() => daemon.healthy());
  const tell = (): void => {
    notifier.status(lineOf(daemon));
    cancelStatus = clock.after(STATUS_EVERY_MS, tell);
  };
  let cancelStatus = clock.after(STATUS_EVERY_MS, tell);

  const status = await ended;
  cancelStatus();
  notifier.stopping();
  const unfinished = await daemon.stop().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  stopWatchdog();
  if (unfinished === null) events.stopped(log);
  else events.notStopped(log, unfinished);
  await notifier.flush();
  await output.flush();
  // What could not be ended would keep the process.
  if (unfinished !== null) process.exit(EXIT.failed);
  return status;
}

/**
 * A disk that takes nothing is waited for: systemd gives up a service that ends again and again. Answers `null` when `ended` does
 * first. Rejects with what keeps it from starting.
 */
async function startWithRoom(parts: DaemonParts, ended: Promise<unknown>): Promise<Daemon | null> {
  for (let tries = 1; ; tries++) {
    try {
      return await startDaemon(parts);
    } catch (error) {
      if (!isWithoutRoom(error) || tries >= ROOM_TRIES) throw setupError(error, parts.config.storage.path);
      if (tries === 1) events.noRoom(parts.log, error.message);
    }
    let cancel = (): void => {};
    const pause = new Promise<boolean>((resolve) => {
      cancel = parts.clock.after(ROOM_AGAIN_MS, () => resolve(true));
    });
    const goesOn = await Promise.race([pause, ended.then(() => false)]);
    cancel();
    if (!goesOn) return null;
  }
}

/** Also where what SQLite shares between processes finds no room. */
const isWithoutRoom = (error: unknown): error is StorageError =>
  error instanceof StorageError && (error.trouble === 'full' || error.code.startsWith('SQLITE_IOERR'));

/** An error of the start as a `SetupError` where it is one, else as it is. */
function setupError(error: unknown, path: string): unknown {
  // Started by hand beside the service, which alone has the secrets: they are not what is wrong.
  const held = error instanceof SecretError ? heldBy(path) : null;
  if (held?.held === true) return new SetupError(inUse(path, held.holder).message, { cause: error });
  const unusable = error instanceof StorageError && error.trouble === 'unusable' && !error.code.startsWith('WORKER_');
  return unusable || error instanceof PlaceError ? new SetupError(error.message, { cause: error }) : error;
}

const lineOf = ({ sources, pipeline, conditions }: Daemon): string =>
  statusLine(sources(), pipeline.openChannels(), conditions.raised());
