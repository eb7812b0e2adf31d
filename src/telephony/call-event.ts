/**
 * The PBX-neutral vocabulary: what a PBX says about calls, in words of SIP, Q.850 and CSTA.
 *
 * Adapters translate each frame of their PBX into zero or more of these events with a pure function; everything after
 * that (correlation, sessions, delivery) is written once for all PBXs. Times are milliseconds since the Unix epoch, UTC.
 */

/** Identity of one channel (call leg) within a source: Asterisk `Uniqueid`, FreeSWITCH `Unique-ID`. */
export type ChannelId = string;

/** Who created the channel: the endpoint called the PBX, or the PBX called the endpoint. */
export type Initiator = 'endpoint' | 'pbx';

/** What the PBX itself tells about the side of a channel, whatever its name: a port of the telephone network, or a phone. */
export interface LineHint {
  readonly side: 'trunk' | 'extension';
  /** The fact, in words of the PBX: `gateway carrier1`, `SIP account asha.rao`, `ISDN span 1`. */
  readonly fact: string;
}

/** Numbers and names a channel carries, exactly as the PBX shows them. `null`: not given. */
export interface Identity {
  readonly number: string | null;
  readonly name: string | null;
}

interface Stamp {
  /** Configured name of the PBX this event came from. */
  readonly source: string;
  /** The PBX's own time of the event where it gives one, else the time of arrival. */
  readonly at: number;
  /** Wall-clock time at which the frame arrived here. */
  readonly receivedAt: number;
}

interface OnChannel extends Stamp {
  readonly channel: ChannelId;
  /** The linked id the PBX shows on this event; when it differs from an earlier one, two calls have become one. */
  readonly linkedId?: string;
  /**
   * Identifies the PBX process that made the channel, on `channel-created` and `snapshot-channel` of PBXs that tell it. Another
   * one than before means that every older channel is over.
   */
  readonly boot?: string;
}

/** Everything known about a channel when it is first seen, at its creation or in a snapshot after a gap. */
export interface ChannelFacts {
  /** Channel name as the PBX writes it, e.g. `PJSIP/1001-00000004` or `sofia/external/+9198...@carrier`. */
  readonly name: string;
  /** The endpoint the channel belongs to, e.g. `PJSIP/1001`, `sofia/internal/1001`; patterns of the config match it. */
  readonly endpoint: string;
  /** The id the PBX itself gives to the whole call at this moment: Linkedid, or Channel-Call-UUID at creation. */
  readonly linkedId: string;
  /** `null` while the PBX has not said it: chan_sip and chan_dahdi tell it only with the next state. */
  readonly initiator: Initiator | null;
  /** By what it is known, or guessed, in words of the PBX: `Newchannel in state Ring`. */
  readonly initiatorFact?: string;
  /** The caller as this channel presents it. */
  readonly caller: Identity;
  /** The number that was dialled on this channel (DID on a trunk channel), `null` when there is none. */
  readonly dialled: string | null;
  /** Dialplan context the channel started in: what tells its side best. Of a listed channel: the one it is in now. */
  readonly context: string | null;
  /** True when `context` is where the channel is now, which need not be where it began. */
  readonly contextMoved?: boolean;
  /** What the PBX itself says of the side, `null` or absent when it says nothing. */
  readonly line?: LineHint | null;
  /** Domain (tenant) of the phone, on PBXs that have several. */
  readonly domain?: string | null;
  /**
   * The place of the channel in the order in which the PBX made its channels: second of creation and counter, compared in this
   * order. Absent where the PBX does not count.
   */
  readonly order?: readonly [second: number, counter: number];
  /** Set when the PBX itself names the extension (FreeSWITCH `dialed_user`). */
  readonly extension: string | null;
  /**
   * Set for a half of a PBX-internal pair (Asterisk `Local/`, FreeSWITCH `loopback/`): a wire, never a party. Both halves
   * have the same text here. `null` for a real channel.
   */
  readonly wire: string | null;
  /** True when the PBX says the caller asked not to show the number. */
  readonly withheld: boolean;
  /** The driver never tells that the party at the channel has hung up. */
  readonly hangsUpUntold?: true;
  /** The id of the channel is made up: a call detail record has named it by `name` alone, and no event has that id. */
  readonly unnamed?: true;
}

/** The life of a channel as the PBX tells it afterwards, for who has not seen it. Times: ms since the epoch, `null` if never. */
export interface ChannelHistory {
  readonly facts: ChannelFacts;
  readonly createdAt: number | null;
  readonly answeredAt: number | null;
  /** The bridge it was in last, and since when. */
  readonly bridge: string | null;
  readonly bridgedAt: number | null;
}

/** How a dial attempt ended, in the words of Asterisk's DIALSTATUS. */
export type DialResult =
  | 'answer'
  | 'busy'
  | 'no-answer'
  | 'cancel'
  | 'congestion'
  | 'unavailable'
  | 'elsewhere'
  | 'failed';

/** `talk`: members hear each other. `holding`: music, parking, an announcement. `conference`: any number of members. */
export type BridgeKind = 'talk' | 'holding' | 'conference';

/** Why a channel ended. `q850` is 0 or `null` when the PBX does not know. */
export interface Clearing {
  readonly q850: number | null;
  readonly sip: number | null;
  /** The PBX's own word, e.g. `NORMAL_CLEARING`. */
  readonly text: string | null;
}

/** A place in the dialplan. */
export interface DialplanPlace {
  readonly context: string | null;
  readonly exten: string | null;
}

export type CallEvent =
  | (OnChannel & { readonly kind: 'channel-created'; readonly facts: ChannelFacts })
  /**
   * What became of a call that the PBX was asked to make. `channel`: the one it called; where that came to nothing the PBX names no
   * channel, and what it was asked to call stands here, as in `dial-started`.
   */
  | (OnChannel & {
      readonly kind: 'originated';
      /** The extension it was to be connected with then; `null`: an application, or the PBX does not say. */
      readonly exten: string | null;
    })
  /** The PBX has shown who created the channel, after its creation. */
  | (OnChannel & {
      readonly kind: 'initiated';
      readonly initiator: Initiator;
      /** In words of the PBX: `Newstate Ring`. */
      readonly fact: string;
      /** The number dialled on it, told only now (an analog phone). */
      readonly dialled: string | null;
    })
  /** A channel is being called. */
  | (OnChannel & {
      readonly kind: 'dial-started';
      /** The dialling channel, `null` when nobody dials (click-to-call). */
      readonly by: ChannelId | null;
      /** The number sent to the called side, `null` when the PBX does not say. */
      readonly number: string | null;
      /** The caller number shown to the called side. */
      readonly presented: string | null;
      /** What the PBX was asked to call, in its own words (`PJSIP/1001`), when nobody dials. */
      readonly asked?: string;
      /** Where in the dialplan the dialling channel was: whom or what it was about to reach. Absent when the PBX does not say. */
      readonly from?: DialplanPlace;
    })
  | (OnChannel & {
      readonly kind: 'dial-ended';
      readonly by: ChannelId | null;
      readonly result: DialResult;
      /** The number the called phone asked to be called instead (SIP 302). */
      readonly forwardedTo: string | null;
    })
  | (OnChannel & { readonly kind: 'alerting' })
  | (OnChannel & { readonly kind: 'answered' })
  | (OnChannel & { readonly kind: 'bridge-entered'; readonly bridge: string; readonly bridgeKind: BridgeKind })
  | (OnChannel & { readonly kind: 'bridge-left'; readonly bridge: string })
  | (OnChannel & { readonly kind: 'held' })
  | (OnChannel & { readonly kind: 'retrieved' })
  /** A party asked to be replaced. `channel`: the transferer. */
  | (OnChannel & {
      readonly kind: 'transferred';
      readonly manner: 'blind' | 'attended';
      /** Every channel and linked id the PBX names as part of the transfer. */
      readonly parties: readonly ChannelId[];
      readonly linkedIds: readonly string[];
      readonly to: string | null;
    })
  /** `channel` took the call that was ringing at `target`. */
  | (OnChannel & { readonly kind: 'picked-up'; readonly target: ChannelId })
  | (OnChannel & { readonly kind: 'parked'; readonly slot: string | null })
  | (OnChannel & { readonly kind: 'queued'; readonly queue: string })
  | (OnChannel & {
      readonly kind: 'dequeued';
      readonly queue: string;
      readonly reason: 'answered' | 'left' | 'timeout' | null;
    })
  /** A recording of this channel exists or is being made. `file`: its name, `null` as long as the PBX does not tell it. */
  | (OnChannel & { readonly kind: 'recording'; readonly file: string | null })
  /** The caller reached a mailbox: its greeting plays, or would. */
  | (OnChannel & { readonly kind: 'voicemail-reached'; readonly fact: string })
  /** Somebody listens to the messages of a mailbox: what the PBX says of it is no message of his. */
  | (OnChannel & { readonly kind: 'mailbox-read' })
  /** The caller left a message. */
  | (OnChannel & { readonly kind: 'voicemail-left'; readonly mailbox: string | null })
  /** The channel now carries another linked id, or belongs with other channels. */
  | (OnChannel & {
      readonly kind: 'linked';
      readonly linkedIds: readonly string[];
      readonly channels: readonly ChannelId[];
    })
  /** The two halves of a PBX-internal pair: what enters one leaves the other. */
  | (OnChannel & { readonly kind: 'wired'; readonly other: ChannelId })
  /** Number or name shown by the channel have changed, or have come: an analog line tells them between the rings. */
  | (OnChannel & { readonly kind: 'identity'; readonly caller: Identity; readonly withheld: boolean })
  /**
   * The end of the channel was asked for: tells who hung up. `by` absent: the party at this channel. `alone`: that party did not, or the
   * PBX would have told it.
   */
  | (OnChannel & {
      readonly kind: 'hangup-requested';
      readonly clearing: Clearing;
      readonly by?: 'pbx';
      readonly alone?: true;
    })
  | (OnChannel & {
      readonly kind: 'cleared';
      readonly clearing: Clearing;
      /** Given by PBXs that tell the whole life of a channel again at its end. */
      readonly history?: ChannelHistory;
    })
  /**
   * The PBX lists the channel no more, although nothing told its end. `at`: when it is known to have lived last, by the clock
   * of arrival. `overAt`: by when it was over, by the clock of the times of calls, where that is not the arrival of this (in records).
   */
  | (OnChannel & { readonly kind: 'vanished'; readonly overAt?: number })
  /**
   * The call of the channel has been reported, and the channel goes on. Made by this program, for a start that hears no more of the
   * channels which are over. `at`: when the PBX was heard last before that.
   */
  | (OnChannel & { readonly kind: 'carried-over' })
  /** The PBX has given the channel another id; what comes later is told under that one. */
  | (OnChannel & { readonly kind: 'renamed'; readonly to: ChannelId })
  /**
   * The link to the PBX is up. `boot` identifies the PBX process where the PBX tells it; `bootedAt` is when it started, by the clock
   * of `at`.
   * A start later than the last thing heard from the PBX means every older call is over.
   */
  | (Stamp & { readonly kind: 'source-connected'; readonly boot: string | null; readonly bootedAt: number | null })
  /** The link is down. `orderly`: the PBX said that it is stopping. */
  | (Stamp & { readonly kind: 'source-lost'; readonly orderly: boolean; readonly reason: string })
  /** One live channel as the PBX lists it after a (re)connect. */
  | (OnChannel & {
      readonly kind: 'snapshot-channel';
      readonly facts: ChannelFacts;
      readonly createdAt: number | null;
      /** True when `createdAt` is counted back from the arrival, by the clock of this machine; else it is by that of the PBX. */
      readonly counted?: true;
      /** True when the PBX told the life of this channel itself, not only a row of a list with whole seconds. */
      readonly told?: boolean;
      readonly answered: boolean;
      readonly answeredAt: number | null;
      /** The bridge the channel is in, `null` when it is in none or the PBX does not say. */
      readonly bridge: string | null;
      /** When it entered that bridge, where the PBX tells it. */
      readonly bridgedAt?: number | null;
    })
  /** The list is complete: channels known before and not in it are over. */
  | (Stamp & { readonly kind: 'snapshot-complete' })
  /**
   * A clock has been set forward by `by` ms, or back where that is negative, beside the time that passed: that of the PBX, or that of
   * this machine. Told before anything that is stamped by the clock as it goes now; `at` and `receivedAt` are by the clock of this
   * machine as it goes now.
   */
  | (Stamp & { readonly kind: 'clock-stepped'; readonly clock: 'pbx' | 'ours'; readonly by: number })
  /** This program stood still for `ms`, until `at`: what the PBX said meanwhile arrives only now. */
  | (Stamp & { readonly kind: 'stalled'; readonly ms: number });

export type CallEventKind = CallEvent['kind'];

/** The channel an event is about, `null` for events about the source as a whole. */
export function channelOf(event: CallEvent): ChannelId | null {
  return 'channel' in event ? event.channel : null;
}
