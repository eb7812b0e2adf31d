/** Can the PBXs and LeadSquared be reached, and do they let us in? */
import { createClock } from '../../../adapters/host/clock.ts';
import { createSource } from '../../../adapters/index.ts';
import { createCallLog } from '../../../adapters/leadsquared/call-log.ts';
import { createClient } from '../../../adapters/leadsquared/http/client.ts';
import type { Config, SourceConfig } from '../../../config/schema.ts';
import { DEFAULT_CONFIG } from '../../cli/commands.ts';
import { callLogPolicyOf } from '../../daemon/settings.ts';
import { borrowed, type Lent } from '../../permits/lent.ts';
import { type Permits, PermitsClosed, UNLIMITED } from '../../permits/port.ts';
import type { Clock, EventSource, SourceFrame } from '../../ports.ts';
import type { Secret } from '../../secret.ts';
import type { ChannelFacts } from '../../telephony/call-event.ts';
import { reach } from '../control.ts';
import { count } from '../output.ts';
import type { Seen } from './endpoints.ts';
import type { Finding } from './finding.ts';

/** For the connection, the login and the list of channels together, ms. */
const SOURCE_WITHIN_MS = 15_000;
/** For a free place of the request limit, ms. */
const PERMIT_WITHIN_MS = 20_000;

/** A PBX, with what it has where it let us in. */
export interface SourceFinding extends Finding {
  readonly seen: Seen | null;
}

/** Connects, logs in, lists the live channels once and asks for the endpoints. `refused`: what to type when it does not let us in. */
export async function checkSource(
  config: SourceConfig,
  secret: Secret,
  refused: readonly string[],
): Promise<SourceFinding> {
  const clock = createClock();
  const about = `PBX ${config.name}`;
  const where = `${config.host}:${config.port}`;
  const warnings: string[] = [];
  const source = createSource(config, {
    clock,
    secret: () => secret.reveal(),
    onWarning: (text) => warnings.push(text),
  });
  const end = await firstResult(source, clock);
  // The list is handed on before the source itself is done with it.
  await new Promise<void>((resolve) => clock.after(0, resolve));
  const seen = end.kind === 'listed' ? { listing: await source.endpoints(), live: end.live } : null;
  await source.stop();
  if (end.kind === 'silent') {
    const text = `${where} did not let us in within ${SOURCE_WITHIN_MS / 1000} s: check address and firewall.`;
    return { level: 'FAIL', about, text, seen };
  }
  if (end.kind === 'failed') {
    const helps = end.refused ? { commands: refused } : {};
    return { level: 'FAIL', about, text: end.problem, ...helps, seen };
  }
  const problem = end.problem ?? warnings[0] ?? null;
  if (problem !== null) return { level: 'warn', about, text: problem, seen };
  return { level: 'ok', about, text: `${where}: logged in, ${count(end.live.length, 'live channel')}`, seen };
}

type Result =
  | { readonly kind: 'listed'; readonly live: readonly ChannelFacts[]; readonly problem: string | null }
  | { readonly kind: 'failed'; readonly problem: string; readonly refused: boolean }
  | { readonly kind: 'silent' };

function firstResult(source: EventSource, clock: Clock): Promise<Result> {
  return new Promise((resolve) => {
    const live: ChannelFacts[] = [];
    const cancel = clock.after(SOURCE_WITHIN_MS, () => {
      const { state, problem, secretRefused = false } = source.status();
      if (state === 'connected') resolve({ kind: 'listed', live, problem });
      else resolve(problem === null ? { kind: 'silent' } : { kind: 'failed', problem, refused: secretRefused });
    });
    const done = (result: Result): void => {
      cancel();
      resolve(result);
    };
    const onFrame = ({ events }: SourceFrame): void => {
      for (const event of events) {
        if (event.kind === 'snapshot-channel' && event.facts.wire === null) live.push(event.facts);
        if (event.kind === 'snapshot-complete') done({ kind: 'listed', live, problem: source.status().problem });
      }
    };
    source.start(onFrame, ({ name, state, problem, secretRefused = false }) => {
      if (state === 'refused' || state === 'lost')
        done({ kind: 'failed', problem: problem ?? `${name} is ${state}.`, refused: secretRefused });
      else if (state === 'connected' && problem !== null) done({ kind: 'listed', live, problem });
    });
  });
}

/** Asks LeadSquared who we are. `denied`: what to type when it does not know the keys. */
export async function checkCrm(
  config: Config,
  accessKey: Secret,
  secretKey: Secret,
  denied: readonly string[],
): Promise<Finding> {
  const about = 'LeadSquared';
  const clock = createClock();
  const lender = await lenderOf(config, clock);
  const permits = lender === null ? UNLIMITED : borrowed(lender, clock);
  const client = clientOf(config, clock, accessKey, secretKey, permits);
  const reply = await createCallLog(client, callLogPolicyOf(config))
    .probe({ priority: 'background' })
    .catch((error: unknown) => {
      if (error instanceof PermitsClosed) return null;
      throw error;
    })
    .finally(() => client.close());
  if (reply === null) {
    const text =
      'was not asked: the running logcalld has no free request at the moment. Try again when its backlog is gone.';
    return { level: 'warn', about, text };
  }
  // The daemon may count answers (strict): this place stands for that.
  await lender?.();
  // A host that is wrong answers with 404 or a redirect: other keys would not help.
  const keys = reply.kind === 'denied' && reply.http === 401 ? { commands: denied } : {};
  if (reply.kind !== 'accepted' || reply.value === null) return { level: 'FAIL', about, text: reply.message, ...keys };
  const { text } = reply.value;
  return { level: text.includes('change the host') ? 'FAIL' : 'ok', about, text };
}

/** For a request or two. Without `permits` it has no limiter of its own: only where no daemon runs that shares the limit. */
export function clientOf(
  config: Config,
  clock: Clock,
  accessKey: Secret,
  secretKey: Secret,
  permits: Permits = UNLIMITED,
) {
  const { host, auth, insecure, connect_timeout, reply_timeout, total_timeout } = config.leadsquared;
  return createClient({
    ...{ host, auth, insecure, clock, permits },
    accessKey: accessKey.reveal(),
    secretKey: secretKey.reveal(),
    timeouts: { connectMs: connect_timeout, headersMs: reply_timeout, bodyMs: reply_timeout, totalMs: total_timeout },
  });
}

/**
 * This program has no limiter of its own, and the daemon that may be running must not be pushed over the limit: it lends its permits.
 * `null`: none runs. The permit is `null` when there was none in time.
 */
async function lenderOf(config: Config, clock: Clock): Promise<(() => Promise<Lent | null>) | null> {
  // Who cannot be asked lends nothing, whatever there would be to type.
  const daemon = await reach({ ...config, file: DEFAULT_CONFIG }).catch(() => null);
  if (daemon === null) return null;
  return () =>
    new Promise((resolve) => {
      const cancel = clock.after(PERMIT_WITHIN_MS, () => resolve(null));
      const answered = (lent: Lent | null): void => {
        cancel();
        resolve(lent);
      };
      daemon.call('permit', {}).then(answered, () => answered(null));
    });
}
