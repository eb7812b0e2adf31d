/** What signals mean: to the service, and to a command that runs on until it is ended. */

export interface SignalActions {
  /** First SIGTERM or SIGINT (and SIGHUP, see `reload`): finish what is under way, then stop. */
  drain(signal: NodeJS.Signals): void;
  /** A later one: stop now. */
  stopNow(signal: NodeJS.Signals): void;
  /**
   * SIGHUP. A service has no terminal, so there it is a wish (daemon(7)). Absent: the terminal was closed, which ends a command as
   * Ctrl-C does.
   */
  reload?(): void;
}

/** The part of `process` that is needed. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
}

/**
 * One Ctrl-C can arrive up to three times: from the terminal, from npm, and from the launcher, which both pass it on.
 * Signals so soon after the first are taken for the same wish.
 */
const SAME_WISH_MS = 500;

/** Listens until the returned function is called. `monotonic`: ms. */
export function onSignals(
  actions: SignalActions,
  source: SignalSource = process,
  monotonic: () => number = () => performance.now(),
): () => void {
  let drainingSince: number | null = null;
  const end = (signal: NodeJS.Signals): void => {
    if (drainingSince === null) {
      drainingSince = monotonic();
      actions.drain(signal);
    } else if (monotonic() - drainingSince >= SAME_WISH_MS) {
      actions.stopNow(signal);
    }
  };
  const hangup = (signal: NodeJS.Signals): void => (actions.reload === undefined ? end(signal) : actions.reload());
  source.on('SIGTERM', end);
  source.on('SIGINT', end);
  source.on('SIGHUP', hangup);
  return () => {
    source.off('SIGTERM', end);
    source.off('SIGINT', end);
    source.off('SIGHUP', hangup);
  };
}
