/** What is asked of FreeSWITCH with the `event` command. */

/** Event names, and subclasses of CUSTOM such as `callcenter::info`. */
export interface Subscription {
  readonly events: readonly string[];
  readonly custom: readonly string[];
}

/**
 * Enough to log calls, at less than half of the traffic of everything: the events that only repeat what these say are left
 * out. CHANNEL_DESTROY (11 KB a leg, which makes 80 KB of 58 KB for a call of two legs) repeats CHANNEL_HANGUP_COMPLETE, but
 * is the only other word about the end of a leg, and without that one a call would go on for ever. HEARTBEAT comes every 20 s.
 */
export const defaultSubscription: Subscription = {
  events: [
    'CHANNEL_CREATE',
    'CHANNEL_ANSWER',
    'CHANNEL_BRIDGE',
    'CHANNEL_HANGUP_COMPLETE',
    'CHANNEL_DESTROY',
    'CHANNEL_UUID',
    'CHANNEL_HOLD',
    'CHANNEL_UNHOLD',
    'RECORD_STOP',
    'HEARTBEAT',
    'SHUTDOWN',
  ],
  custom: ['callcenter::info', 'vm::maintenance', 'conference::maintenance', 'valet_parking::info'],
};

export type EventFormat = 'json' | 'plain';

/** The command for a whole subscription. FreeSWITCH takes every word after CUSTOM as a subclass, so that comes last. */
export function subscribeCommand(format: EventFormat, { events, custom }: Subscription): string {
  return ['event', format, ...events, ...(custom.length === 0 ? [] : ['CUSTOM', ...custom])].join(' ');
}

/**
 * Names that the reply to the whole subscription cannot vouch for: FreeSWITCH answers `+OK` when it knows a single one
 * of the names, and `-ERR no keywords supplied` only to a command with none. Names of the default list are known to
 * exist; any other has to be asked for alone, which does no harm as subscriptions add up. Unknown subclasses of CUSTOM
 * get `+OK` in any case.
 */
export function namesToVerify({ events }: Subscription): readonly string[] {
  return events.filter(
    (name) => name.toUpperCase() !== 'ALL' && !defaultSubscription.events.includes(name.toUpperCase()),
  );
}

/** Tells whether an event with a given name was asked for. */
export function subscribedNames({ events, custom }: Subscription): (name: string) => boolean {
  const names = new Set(events.map((name) => name.toUpperCase()));
  if (custom.length > 0) names.add('CUSTOM');
  return names.has('ALL') ? () => true : (name) => names.has(name);
}
