/** What happens between the greeting of FreeSWITCH and the first event: log in, ask who it is, subscribe. */
import { type EslConnection, replyText, type Ticker } from './connection.ts';
import { defaultPasswordWarning, noPasswordProblem, subscriptionProblem, wrongPasswordProblem } from './problem.ts';
import { type EventFormat, namesToVerify, type Subscription, subscribeCommand } from './subscription.ts';

/** The FreeSWITCH process at the other end. */
export interface EslPeer {
  /** Core-UUID: another one than before means that FreeSWITCH was restarted. `null` when it does not tell. */
  readonly coreUuid: string | null;
  /** When the process started, ms since the epoch (UTC, by this host's clock); `null` when it does not tell. */
  readonly bootedAt: number | null;
}

export interface HandshakeOptions {
  readonly address: string;
  readonly password: () => Promise<string>;
  readonly format: EventFormat;
  readonly subscription: Subscription;
  readonly clock: Ticker;
  readonly warn: (text: string) => void;
}

/** FreeSWITCH said no; trying again soon would not change that. The message is fit to be shown. */
export class Refusal extends Error {}
/** Of the password. */
export class WrongPassword extends Refusal {}

/** The password of the configuration that FreeSWITCH ships. */
const shippedPassword = 'ClueCon';

/** Logs in and subscribes. Throws `Refusal` when FreeSWITCH says no, another Error when the connection ends meanwhile. */
export async function handshake(connection: EslConnection, options: HandshakeOptions): Promise<EslPeer> {
  const { address, format, subscription, clock, warn } = options;
  const accepted = async (command: string, label: string) => replyText(await connection.send(command, label));
  const password = await usablePassword(options);
  const auth = await accepted(`auth ${password}`, 'auth');
  if (!auth.startsWith('+OK')) throw new WrongPassword(wrongPasswordProblem(address));
  if (password === shippedPassword) warn(defaultPasswordWarning);

  // The subscription comes last, so that nothing comes between its reply and the first event. All at once, since calls go
  // unheard until it is there.
  const [uuid, status, reply] = await Promise.all([
    accepted('api global_getvar core_uuid', 'api global_getvar core_uuid'),
    accepted('api status', 'api status'),
    accepted(subscribeCommand(format, subscription), 'event'),
  ]);
  const coreUuid = uuid.trim();
  const bootedAt = bootTime(status, clock.now());
  if (!reply.startsWith('+OK')) throw new Refusal(subscriptionProblem(address, reply));
  return { coreUuid: /^[0-9a-f-]{36}$/i.test(coreUuid) ? coreUuid : null, bootedAt };
}

/** Asks for every event name that the subscription as a whole does not vouch for; returns those FreeSWITCH refuses. */
export async function refusedEvents(
  connection: EslConnection,
  format: EventFormat,
  subscription: Subscription,
): Promise<readonly string[]> {
  const refused: string[] = [];
  for (const name of namesToVerify(subscription)) {
    const command = subscribeCommand(format, { events: [name], custom: [] });
    if (!replyText(await connection.send(command, command)).startsWith('+OK')) refused.push(name);
  }
  return refused;
}

async function usablePassword({ password, address }: HandshakeOptions): Promise<string> {
  let value: string;
  try {
    value = await password();
  } catch (error) {
    throw new Refusal(noPasswordProblem(address, error instanceof Error ? error.message : String(error)));
  }
  // A line feed would end the command and begin another.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not pass.
  if (/[\u0000-\u001f\u007f]/.test(value)) {
    throw new Refusal(noPasswordProblem(address, 'It holds a line feed or another control character.'));
  }
  return value;
}

const unitMs: Readonly<Record<string, number>> = {
  year: 365 * 86_400_000,
  day: 86_400_000,
  hour: 3_600_000,
  minute: 60_000,
  second: 1_000,
  millisecond: 1,
};

/**
 * The start of the process by the first line of `api status`: `UP 0 years, 0 days, 0 hours, 2 minutes, 23 seconds, ...`.
 * FreeSWITCH counts 365 days to the year. `null` when the line is not there.
 */
export function bootTime(status: string, now: number): number | null {
  const line = /^UP (.+)$/m.exec(status)?.[1];
  if (line === undefined) return null;
  let upMs = 0;
  for (const [, count, unit] of line.matchAll(/(\d+) (year|day|hour|minute|second|millisecond)s?\b/g)) {
    upMs += Number(count) * (unitMs[unit ?? ''] ?? 0);
  }
  return now - upMs;
}
