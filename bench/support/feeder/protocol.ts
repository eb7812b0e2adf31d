/** What a bench and its PBX say to each other, and what the PBX answers to a client that logs in. */
import type { Pbx, Recording } from '../recorded.ts';

/** How to play: whole repetitions of a recording, or a part of each. */
export interface Play {
  readonly recording: Recording;
  readonly tiles: number;
  /** The first repetition has this number: later plays go on where the last one ended. */
  readonly firstTile: number;
  /** Frames [from, to) of each repetition; all of them unless given. */
  readonly from?: number;
  readonly to?: number;
  /** Events per second; 0: as fast as the socket takes them. */
  readonly rate: number;
  /** When the recording is to have begun, ms since the epoch. */
  readonly beganAt: number;
  /** Gives up after so long, ms: a client that takes nothing any more would be waited for without an end. */
  readonly limitMs?: number;
  /** Tells when the last hang-up of each call left. */
  readonly tellEnds?: boolean;
}

export interface Played {
  readonly events: number;
  readonly bytes: number;
  /** The longest time that a write of 16 KB waited for room in the socket, ms. */
  readonly longestBlockedMs: number;
  /** Writes that waited for longer than Asterisk's `writetimeout`. */
  readonly blockedTooLong: number;
  /** Connections that ended since the PBX listens. */
  readonly lost: number;
  /** Linked id of each call and when its last hang-up was sent, ns of the monotonic clock; empty unless asked for. */
  readonly ends: readonly (readonly [linkedId: string, sentAt: string])[];
}

export type ToFeeder =
  | { readonly kind: 'listen'; readonly pbx: Pbx; readonly recording: Recording }
  | ({ readonly kind: 'play' } & Play);
export type FromFeeder =
  | { readonly kind: 'listening'; readonly port: number }
  /** A client has logged in. */
  | { readonly kind: 'joined' }
  | ({ readonly kind: 'played' } & Played);

/** Default of `writetimeout` in manager.conf, ms: an AMI client that takes nothing for so long is dropped. */
export const AMI_WRITE_TIMEOUT_MS = 100;

/** The answers to one command; `joins`: with it the client is logged in and hears events. */
export interface Answer {
  readonly text: string;
  readonly joins: boolean;
}

const packet = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

function listed(id: readonly string[], complete: string): string {
  return (
    packet('Response: Success', ...id, 'EventList: start', 'Message: A list will follow') +
    packet(`Event: ${complete}`, ...id, 'EventList: Complete', 'ListItems: 0')
  );
}

/** Asterisk 22 without live channels. */
function amiAnswer(command: string): Answer {
  const field = (name: string): string | undefined => new RegExp(`^${name}: *(.*)$`, 'im').exec(command)?.[1]?.trim();
  const given = field('ActionID');
  const id = given === undefined ? [] : [`ActionID: ${given}`];
  const action = field('Action')?.toLowerCase() ?? '';
  const plain = (...lines: readonly string[]): Answer => ({
    text: packet('Response: Success', ...id, ...lines),
    joins: false,
  });
  switch (action) {
    case 'login':
      return {
        text:
          packet('Response: Success', ...id, 'Message: Authentication accepted') +
          packet('Event: FullyBooted', 'Privilege: system,all', 'Uptime: 60', 'LastReload: 60', 'Status: Fully Booted'),
        joins: true,
      };
    case 'challenge':
      return plain('Challenge: 814592617');
    case 'ping':
      return plain('Ping: Pong', 'Timestamp: 0.000000');
    case 'coreshowchannels':
      return { text: listed(id, 'CoreShowChannelsComplete'), joins: false };
    case 'status':
      return { text: listed(id, 'StatusComplete'), joins: false };
    default:
      return plain('Message: Done');
  }
}

const UP = 'UP 0 years, 0 days, 1 hour, 0 minutes, 0 seconds, 0 milliseconds, 0 microseconds\nFreeSWITCH is ready\n';

/** FreeSWITCH 1.11 without live channels. */
function eslAnswer(command: string, coreUuid: string | null): Answer {
  const reply = (text: string, joins = false): Answer => ({
    text: `Content-Type: command/reply\nReply-Text: ${text}\n\n`,
    joins,
  });
  const api = (body: string): Answer => ({
    text: `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`,
    joins: false,
  });
  if (command.startsWith('event')) return reply('+OK event listener enabled json', true);
  if (command.startsWith('api show')) return api('{"row_count":0}\n');
  if (command.startsWith('api global_getvar core_uuid')) return api(coreUuid ?? '');
  if (command.startsWith('api status')) return api(UP);
  if (command.startsWith('api')) return api('-ERR no such command\n');
  return reply('+OK accepted');
}

export const GREETING: Readonly<Record<Pbx, string>> = {
  asterisk: 'Asterisk Call Manager/11.0.0\r\n',
  freeswitch: 'Content-Type: auth/request\n\n',
};

export const END_OF_COMMAND: Readonly<Record<Pbx, string>> = { asterisk: '\r\n\r\n', freeswitch: '\n\n' };

export function answerTo(pbx: Pbx, command: string, coreUuid: string | null): Answer {
  return pbx === 'asterisk' ? amiAnswer(command) : eslAnswer(command, coreUuid);
}
