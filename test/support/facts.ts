import type { ChannelFacts } from '../../src/telephony/call-event.ts';

/** A channel at its creation: a customer who calls in, unless `more` says otherwise. Phones are those named by digits. */
export function facts(endpoint: string, linkedId: string, more: Partial<ChannelFacts> = {}): ChannelFacts {
  return {
    name: `${endpoint}-00000001`,
    endpoint,
    linkedId,
    initiator: 'endpoint',
    caller: { number: '+919845012345', name: null },
    dialled: '+918041110001',
    context: /\/\d+$/.test(endpoint) ? 'from-internal' : 'from-trunk',
    extension: null,
    wire: null,
    withheld: false,
    ...more,
  };
}
