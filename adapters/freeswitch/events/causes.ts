/** Why a leg ended, in Q.850 numbers and in the words of dial results. */
import type { Clearing, DialResult } from '../../../src/telephony/call-event.ts';
import type { EslEvent } from '../link/event.ts';
import { known } from './channel.ts';

/**
 * Hangup causes that tell how a dial attempt ended. Those without a Q.850 number are FreeSWITCH's own (its list is
 * `switch_cause_t`); any cause that is not here means that the attempt failed.
 */
const RESULTS: Readonly<Record<string, DialResult>> = {
  USER_BUSY: 'busy',
  NO_ANSWER: 'no-answer',
  NO_USER_RESPONSE: 'no-answer',
  SUBSCRIBER_ABSENT: 'unavailable',
  USER_NOT_REGISTERED: 'unavailable',
  GATEWAY_DOWN: 'unavailable',
  NORMAL_TEMPORARY_FAILURE: 'congestion',
  NORMAL_CIRCUIT_CONGESTION: 'congestion',
  SWITCH_CONGESTION: 'congestion',
  ALLOTTED_TIMEOUT: 'no-answer',
  PROGRESS_TIMEOUT: 'no-answer',
  MEDIA_TIMEOUT: 'no-answer',
  ORIGINATOR_CANCEL: 'cancel',
  LOSE_RACE: 'elsewhere',
  PICKED_OFF: 'elsewhere',
  ATTENDED_TRANSFER: 'cancel',
  BLIND_TRANSFER: 'cancel',
  MANAGER_REQUEST: 'cancel',
  NORMAL_CLEARING: 'no-answer',
  SYSTEM_SHUTDOWN: 'no-answer',
};

/** How an unanswered dial attempt ended. */
export function dialResultOf(event: EslEvent): DialResult {
  return RESULTS[event.get('Hangup-Cause') ?? ''] ?? 'failed';
}

/** The Q.850 cause FreeSWITCH works out itself: 16 for causes of its own. */
export function clearingOf(event: EslEvent): Clearing {
  const q850 = event.get('variable_hangup_cause_q850');
  const sip = event.get('variable_sip_term_status') ?? event.get('variable_sip_invite_failure_status');
  return {
    q850: q850 !== undefined && /^\d+$/.test(q850) ? Number(q850) : null,
    sip: sip !== undefined && /^\d{3}$/.test(sip) ? Number(sip) : null,
    text: known(event.get('Hangup-Cause')),
  };
}

/** True when the endpoint of the leg ended it (BYE, CANCEL or a refusal came in), and not the PBX. */
export function endedByEndpoint(event: EslEvent): boolean {
  return event.get('variable_sip_hangup_disposition')?.startsWith('recv_') ?? false;
}

/** True when the PBX ended the leg, and says so. */
export function endedByPbx(event: EslEvent): boolean {
  return event.get('variable_sip_hangup_disposition')?.startsWith('send_') ?? false;
}

/** `<sip:09845088888@host>` of a 302 answer as a number, `null` when there was none. */
export function redirectedTo(event: EslEvent): string | null {
  const target = known(event.get('variable_sip_redirected_to'));
  if (target === null) return null;
  return /^[^<]*<?(?:sips?:|tel:)?([^@;>]+)/.exec(target)?.[1] ?? null;
}
