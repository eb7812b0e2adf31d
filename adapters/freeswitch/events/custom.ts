/** CUSTOM events of FreeSWITCH's modules: queues, voicemail, conferences, parking. */
import type { CallEvent, ChannelId } from '../../../src/telephony/call-event.ts';
import type { EslEvent } from '../link/event.ts';
import { known } from './channel.ts';
import type { EventStamp } from './normalise.ts';

type Reader = (event: EslEvent, stamp: EventStamp, channel: ChannelId) => CallEvent[];

const READERS: Readonly<Record<string, Reader>> = {
  'callcenter::info': (event, stamp) => {
    const channel = known(event.get('CC-Member-Session-UUID'));
    const queue = known(event.get('CC-Queue'));
    if (channel === null || queue === null) return [];
    switch (event.get('CC-Action')) {
      case 'member-queue-start':
        return [{ ...stamp, kind: 'queued', channel, queue }];
      case 'member-queue-end':
        return [{ ...stamp, kind: 'dequeued', channel, queue, reason: leavingReason(event) }];
      default:
        return [];
    }
  },
  'fifo::info': (event, stamp, channel) => {
    const queue = known(event.get('FIFO-Name'));
    return queue === null || event.get('FIFO-Action') !== 'push' ? [] : [{ ...stamp, kind: 'queued', channel, queue }];
  },
  // Voicemail may run behind a loopback pair, so the leg that left the message need not be the caller's.
  'vm::maintenance': (event, stamp, channel) =>
    event.get('VM-Action') === 'leave-message'
      ? [{ ...stamp, kind: 'voicemail-left', channel, mailbox: known(event.get('VM-User')) }]
      : [],
  'conference::maintenance': (event, stamp, channel) => {
    const bridge = known(event.get('Conference-Unique-ID'));
    if (bridge === null) return [];
    switch (event.get('Action')) {
      case 'add-member':
        return [{ ...stamp, kind: 'bridge-entered', channel, bridge, bridgeKind: 'conference' }];
      case 'del-member':
        return [{ ...stamp, kind: 'bridge-left', channel, bridge }];
      default:
        return [];
    }
  },
  'valet_parking::info': (event, stamp, channel) => {
    const fetching = known(event.get('Bridge-To-UUID'));
    switch (event.get('Action')) {
      case 'hold':
        return [{ ...stamp, kind: 'parked', channel, slot: known(event.get('Valet-Extension')) }];
      case 'bridge':
        return fetching === null ? [] : [{ ...stamp, kind: 'linked', channel, linkedIds: [], channels: [fetching] }];
      default:
        return [];
    }
  },
};

/** The call events of a CUSTOM event, none for subclasses that say nothing about calls. */
export function customEvents(event: EslEvent, stamp: EventStamp): CallEvent[] {
  const subclass = event.get('Event-Subclass') ?? '';
  const reader = Object.hasOwn(READERS, subclass) ? READERS[subclass] : undefined;
  if (reader === undefined) return [];
  const channel = known(event.get('Unique-ID')) ?? known(event.get('VM-UUID'));
  return channel === null && subclass !== 'callcenter::info' ? [] : reader(event, stamp, channel ?? '');
}

/** mod_callcenter has timed out the caller, or for want of agents. */
const TIMEOUTS = new Set(['TIMEOUT', 'NO_AGENT_TIMEOUT']);
/** It was broken off: by the end of the caller's leg, or by who led the leg elsewhere. */
const BROKEN_OFF = new Set(['BREAK_OUT', 'NONE']);

function leavingReason(event: EslEvent): 'answered' | 'left' | 'timeout' | null {
  if (event.get('CC-Cause') === 'Terminated') return 'answered';
  if (event.get('CC-Cause') !== 'Cancel') return null;
  const reason = event.get('CC-Cancel-Reason') ?? 'NONE';
  if (TIMEOUTS.has(reason)) return 'timeout';
  const over = (event.get('Answer-State') ?? 'hangup') === 'hangup';
  return over && BROKEN_OFF.has(reason) ? 'left' : null;
}
