/** What an ESL event tells about a channel: at its creation, and looking back at it later. */
import type { ChannelFacts, ChannelHistory, ChannelId, Identity, LineHint } from '../../../src/telephony/call-event.ts';
import { isExtensionLike, isNetworkLike } from '../../../src/telephony/digits.ts';
import type { EslEvent } from '../link/event.ts';

/** The value, `null` when it is absent or empty. */
export function known(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}

/** What is beyond the year 2200 is no time of a PBX. Microseconds since the epoch. */
const LAST_MICROSECOND = Date.UTC(2200, 0) * 1000;

/** A header in microseconds since the epoch as ms; `0` means that it has not happened. */
export function timeOf(event: EslEvent, header: string): number | null {
  const micros = Number(event.get(header) ?? 0);
  return micros > 0 && micros < LAST_MICROSECOND ? Math.round(micros / 1000) : null;
}

/** The bridge of two channels. FreeSWITCH gives bridges no id of their own: the pair is the bridge. */
export function bridgeOf(a: ChannelId, b: ChannelId): string {
  return a < b ? `${a}~${b}` : `${b}~${a}`;
}

/** True for the user of an outside party in a SIP address: its number, or a word in place of one. */
function isOutside(user: string): boolean {
  return isNetworkLike(user) || /^(?:anonymous|unknown|unavailable|restricted|private)$/i.test(user);
}

/**
 * The endpoint behind a channel, as patterns of the config see it:
 *
 *     sofia/gateway/NAME        sent out, or received, by a gateway
 *     sofia/internal/1001       a phone, by its user: the one that dialled, or the directory user that was rung
 *     sofia/external/HOST       an outside party without a gateway, by the host in its SIP address
 *     loopback/1009             a wire
 *
 * The number of an outside party stands in `Channel-Name` too, but it belongs to the call, not to the endpoint.
 */
export function endpointOf(event: EslEvent): string {
  const name = event.get('Channel-Name') ?? '';
  if (isLoopback(name)) return name.replace(/-[ab]$/, '');
  const gateway = known(event.get('variable_sip_gateway_name')) ?? known(event.get('variable_sip_gateway'));
  const slash = name.lastIndexOf('/');
  const profile = name.slice(0, Math.max(slash, 0));
  if (gateway !== null) return `${name.slice(0, Math.max(name.indexOf('/'), 0)) || 'sofia'}/gateway/${gateway}`;
  const [user = '', host = ''] = name
    .slice(slash + 1)
    .replace(/^sips?:/, '')
    .split('@');
  const account = accountOf(event, user);
  if (account !== null) return `${profile}/${account}`;
  const peer = host.replace(/[:;].*$/, '');
  return isOutside(user) || user === '' ? (peer === '' ? profile : `${profile}/${peer}`) : `${profile}/${user}`;
}

/**
 * The directory user of a browser that called in by mod_verto, which names such a channel by the number dialled (`verto.rtc/1002`);
 * there `verto_user` is the login, `1001@domain`.
 */
function vertoUserOf(event: EslEvent): string | null {
  return known(event.get('variable_verto_user')?.replace(/@.*$/s, ''));
}

/** The user of the directory at this leg, `null` when it is an outside party. */
function accountOf(event: EslEvent, user: string): string | null {
  if (event.get('Call-Direction') === 'inbound') {
    const browser = vertoUserOf(event);
    if (browser !== null) return browser;
    return isExtensionLike(user) ? user : known(event.get('variable_sip_auth_username'));
  }
  // Inherited by whatever is dialled next, such as the number that a phone asks to be called instead (SIP 302).
  const dialled = known(event.get('variable_dialed_user'));
  if (dialled === null || dialled === user) return dialled;
  return isOutside(user) ? null : dialled;
}

function isLoopback(name: string): boolean {
  return name.startsWith('loopback/');
}

/** Other half of a loopback pair, `null` for any other channel. */
export function otherHalf(event: EslEvent): ChannelId | null {
  return isLoopback(event.get('Channel-Name') ?? '') ? known(event.get('variable_other_loopback_leg_uuid')) : null;
}

/**
 * The caller for whom mod_callcenter or mod_fifo rings this leg. Nothing else ties such a leg to the call before the bridge,
 * and never if it is rung in vain.
 */
function waitingCaller(event: EslEvent): ChannelId | null {
  if (event.get('Call-Direction') !== 'outbound') return null;
  return known(event.get('variable_cc_member_session_uuid')) ?? known(event.get('variable_fifo_bridge_uuid'));
}

/** What an originate called that rings a user of the directory: each of his devices is a leg with a call uuid of its own. */
export function userAskedFor(event: EslEvent): string | null {
  const user = known(event.get('variable_dialed_user'));
  if (user === null || waitingCaller(event) !== null) return null;
  return `user/${user}@${event.get('variable_dialed_domain') ?? ''}`;
}

/**
 * Who dialled a leg whose call uuid is its own. In about one call of a hundred, and for every leg of an enterprise originate
 * (`bridge A:_:B`), Channel-Call-UUID names nobody else; the originator, or the leg that originated it, does.
 */
export function originatorOf(event: EslEvent): ChannelId | null {
  if (event.get('Call-Direction') !== 'outbound') return null;
  const originator = event.get('Other-Type') === 'originator' ? known(event.get('Other-Leg-Unique-ID')) : null;
  return originator ?? known(event.get('variable_originating_leg_uuid'));
}

/**
 * True for a SIP leg to which no INVITE was ever sent: of staggered ringing (`leg_delay_start`), where somebody else answered before
 * its turn. It is told at its end alone, with the address that it would have been sent to, and without the Contact that mod_sofia
 * notes (`sofia_glue_do_invite`) when it writes the INVITE.
 */
export function neverSent(event: EslEvent): boolean {
  return (
    event.get('Call-Direction') === 'outbound' &&
    known(event.get('variable_sip_destination_url')) !== null &&
    known(event.get('variable_sip_outgoing_contact_uri')) === null
  );
}

/** A number as it stands in a SIP URI, without the parameters (`;npdi;rn=...`, `;phone-context=...`) that may follow it. */
function bare(number: string | null): string | null {
  return number === null ? null : known(number.replace(/;.*$/s, ''));
}

/**
 * What FreeSWITCH says of the side of a leg, whatever its name: a gateway; an account of the directory that authenticated, or that
 * was rung. Accounts whose calls begin in the context `public` are those of carriers and other systems, and so is who calls there
 * without being known to the directory, whatever number he shows: phones are in it, or let in as one of its users.
 */
function lineOf(event: EslEvent): LineHint | null {
  const gateway = known(event.get('variable_sip_gateway_name')) ?? known(event.get('variable_sip_gateway'));
  if (gateway !== null) return { side: 'trunk', fact: `gateway ${gateway}` };
  if (event.get('Call-Direction') === 'outbound') {
    const rung = known(event.get('variable_dialed_user'));
    return rung === null || rung !== userIn(event) ? null : { side: 'extension', fact: `directory user ${rung}` };
  }
  const browser = vertoUserOf(event);
  if (browser !== null) return { side: 'extension', fact: `verto login ${browser}` };
  const account = known(event.get('variable_sip_auth_username'));
  const stranger = account === null && known(event.get('variable_user_name')) === null;
  if (stranger && event.get('Caller-Context') === 'public')
    return { side: 'trunk', fact: 'context public, no account' };
  if (account === null || event.get('variable_user_context') === 'public') return null;
  return { side: 'extension', fact: `SIP account ${account}` };
}

/** The user part of the SIP address in `Channel-Name`. */
function userIn(event: EslEvent): string {
  const name = event.get('Channel-Name') ?? '';
  return (
    name
      .slice(name.lastIndexOf('/') + 1)
      .replace(/^sips?:/, '')
      .split('@')[0] ?? ''
  );
}

/** The domain of a phone: of the directory user that was rung, or that authenticated. */
function domainOf(event: EslEvent): string | null {
  if (event.get('Call-Direction') === 'outbound') return known(event.get('variable_dialed_domain'));
  if (vertoUserOf(event) !== null) return known(event.get('variable_verto_host'));
  if (known(event.get('variable_sip_auth_username')) === null) return null;
  return known(event.get('variable_domain_name')) ?? known(event.get('variable_sip_auth_realm'));
}

/** Facts at CHANNEL_CREATE, the only event in which identities and `Channel-Call-UUID` are the leg's own. */
export function newChannelFacts(event: EslEvent): ChannelFacts {
  const id = event.get('Unique-ID') ?? '';
  const callUuid = known(event.get('Channel-Call-UUID')) ?? id;
  const linkedId = waitingCaller(event) ?? (callUuid === id ? originatorOf(event) : null) ?? callUuid;
  const number = known(event.get('Caller-Caller-ID-Number'));
  const name = known(event.get('Caller-Caller-ID-Name'));
  return factsOf(event, linkedId, { number, name }, known(event.get('Caller-Destination-Number')));
}

function factsOf(event: EslEvent, linkedId: string, caller: Identity, dialled: string | null): ChannelFacts {
  const id = event.get('Unique-ID') ?? '';
  const name = event.get('Channel-Name') ?? '';
  const outbound = event.get('Call-Direction') === 'outbound';
  const loopback = isLoopback(name);
  const half = otherHalf(event);
  // A leg that mod_fifo rings for whoever comes first shows a waiting caller's number, not one that it is meant for.
  const anyCaller = outbound && event.get('variable_fifo_name') !== undefined && linkedId === id;
  return {
    name,
    endpoint: endpointOf(event),
    linkedId,
    initiator: outbound || loopback ? 'pbx' : 'endpoint',
    initiatorFact: `Call-Direction ${event.get('Call-Direction') ?? 'unknown'}`,
    caller: anyCaller ? { number: null, name: null } : { ...caller, number: bare(caller.number) },
    dialled: bare(dialled),
    context: known(event.get('Caller-Context')),
    extension: loopback ? wiredExtension(name) : outbound ? rungExtension(event) : null,
    wire: loopback ? bridgeOf(id, half ?? id) : null,
    line: loopback ? null : lineOf(event),
    domain: loopback ? null : domainOf(event),
    withheld: event.get('Caller-Privacy-Hide-Number') === 'true' || /^anonymous$/i.test(caller.number ?? ''),
  };
}

/** The directory user that is rung; of an outside telephone the agent whose it is for mod_callcenter. FusionPBX names agents by a uuid. */
function rungExtension(event: EslEvent): string | null {
  const user = known(event.get('variable_dialed_user'));
  if (user !== null || event.get('variable_cc_side') !== 'agent' || !isOutside(userIn(event))) return user;
  const agent = event.get('variable_cc_agent')?.replace(/@.*$/s, '') ?? null;
  return isExtensionLike(agent) ? agent : null;
}

/** `loopback/1009-a` stands for extension 1009; outside numbers stand there, too. */
function wiredExtension(name: string): string | null {
  const number = /^loopback\/(.*)-[ab]$/.exec(name)?.[1] ?? null;
  return isExtensionLike(number) ? number : null;
}

/**
 * What can be said of a channel when its creation was not seen. Transfers and pickups have by then changed the caller id, the
 * destination and the call uuid; what is read here stays as it was, as far as FreeSWITCH keeps it.
 */
export function historyOf(event: EslEvent): ChannelHistory {
  const id = event.get('Unique-ID') ?? '';
  const outbound = event.get('Call-Direction') === 'outbound';
  const originator = known(event.get('variable_originating_leg_uuid'));
  const linkedId = outbound ? (waitingCaller(event) ?? originator ?? id) : id;
  const requested = known(event.get('variable_sip_req_user'));
  const destination = destinationOf(event);
  const partner = partnerOf(event);
  return {
    facts: factsOf(
      event,
      linkedId,
      outbound ? outboundCaller(event, originator !== null) : inboundCaller(event),
      // A registered gateway has its own user in the request line, and the number only in the destination.
      outbound || requested === null || requested.startsWith('gw+') ? destination : requested,
    ),
    createdAt: timeOf(event, 'Caller-Channel-Created-Time'),
    answeredAt: timeOf(event, 'Caller-Channel-Answered-Time'),
    bridge: partner === null ? null : bridgeOf(id, partner),
    bridgedAt: timeOf(event, 'Caller-Channel-Bridged-Time'),
  };
}

/** The number that was called. A leg that was put through to somebody keeps it only in the address to which it was sent. */
function destinationOf(event: EslEvent): string | null {
  const putThrough = known(event.get('Caller-RDNIS')) !== null;
  const sent = putThrough ? known(event.get('variable_sip_to_user')) : null;
  return sent ?? known(event.get('Caller-Destination-Number'));
}

function inboundCaller(event: EslEvent): Identity {
  const first = (...headers: readonly string[]) =>
    headers.map((header) => known(event.get(header))).find((value) => value !== null) ?? null;
  return {
    number: first('Caller-Orig-Caller-ID-Number', 'Caller-ANI', 'Caller-Caller-ID-Number'),
    name: first('Caller-Orig-Caller-ID-Name', 'Caller-Caller-ID-Name'),
  };
}

/** The number shown to the called party; of a leg that was originated, the one it was originated with. */
function outboundCaller(event: EslEvent, dialled: boolean): Identity {
  const sent = known(event.get(dialled ? 'variable_sip_from_user' : 'Caller-Orig-Caller-ID-Number'));
  return {
    number: sent ?? known(event.get('Caller-Caller-ID-Number')),
    name: known(event.get(dialled ? 'variable_sip_from_display' : 'Caller-Orig-Caller-ID-Name')),
  };
}

/** The leg last bridged with; `signal_bond` names it while the two are bridged, but also a leg that only rings. */
function partnerOf(event: EslEvent): ChannelId | null {
  return timeOf(event, 'Caller-Channel-Bridged-Time') === null ? null : known(event.get('variable_bridge_uuid'));
}
