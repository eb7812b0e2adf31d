/**
 * What a cause of clearing means for the caller. Q.850 (ITU-T) causes first, since PBXs map SIP answers onto them (RFC 3398);
 * the SIP status only where Q.850 says nothing.
 */
import type { Clearing, DialResult } from './call-event.ts';

export type Disposition = 'busy' | 'no-answer' | 'cancelled' | 'failed';

/** Causes that say nothing about why a call was not answered: unknown, normal clearing, unspecified, interworking. */
const SILENT = new Set([0, 16, 31, 127]);

/** Unallocated number and no route: the number does not exist here. */
const NO_SUCH_NUMBER = new Set([1, 2, 3, 28]);

const BY_RESULT: Readonly<Record<DialResult, Disposition>> = {
  answer: 'no-answer',
  busy: 'busy',
  'no-answer': 'no-answer',
  cancel: 'cancelled',
  elsewhere: 'cancelled',
  congestion: 'failed',
  unavailable: 'failed',
  failed: 'failed',
};

/**
 * Why a called party was not reached. Asterisk's DIALSTATUS alone would not do: it says NOANSWER for 404 and 603 too.
 */
export function dispositionOf(clearing: Clearing | null, result: DialResult | null): Disposition {
  if (result === 'cancel' || result === 'elsewhere') return 'cancelled';
  const q850 = clearing?.q850 ?? 0;
  if (q850 === 17) return 'busy';
  if (q850 >= 18 && q850 <= 20) return 'no-answer';
  if (!SILENT.has(q850)) return 'failed';
  const sip = clearing?.sip ?? 0;
  if (sip === 486 || sip === 600) return 'busy';
  if (sip === 408 || sip === 480) return 'no-answer';
  if (sip >= 400 && sip !== 487) return 'failed';
  return result === null ? 'no-answer' : BY_RESULT[result];
}

/** True when the PBX or the network does not know the dialled number. */
export function isNoSuchNumber(clearing: Clearing | null): boolean {
  return NO_SUCH_NUMBER.has(clearing?.q850 ?? 0) || clearing?.sip === 404;
}
