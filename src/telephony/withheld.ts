/** Callers without a number: PBXs and carriers write that in many ways, and none of them may be taken for a number. */
import { addressOf } from './address.ts';
import { isErasedNumber } from './erased.ts';

/** Hosts of callers who asked for privacy: RFC 3323 (`anonymous@anonymous.invalid`) and 3GPP TS 23.003 (`@unknown.invalid`). */
const HIDDEN_HOST = /^(?:anonymous|unknown|unavailable|restricted)\.invalid$/i;

/** Such words with something behind them, such as `anonymous1` or `Private Number 2`. */
const HIDDEN_WORD = /^\W*(?:anonym|unknown|unavail|restrict|private|withheld|blocked|hidden)/i;

/**
 * Words spelt on a telephone's keys: ANONYMOUS, UNAVAILABLE, UNKNOWN, BLOCKED and RESTRICTED, as hosted services and North
 * American carriers send them. None of them exists in the country that its digits begin with. Without the `+` some do: 266 is
 * the area of Évora and 7378 begins Indian mobiles.
 */
const SPELT = new Set(['+266696687', '+86282452253', '+8656696', '+2562533', '+7378742833']);

/** Some digits blotted out: `98450xxxxx`, `+91******2345`, `98450123**`. */
const MASKED = /x{2,}|[*?]{3,}|[*?]{2,}$/i;

/** True for a number of which the carrier has blotted out some digits. */
export function isBlotted(raw: string): boolean {
  const { user } = addressOf(raw);
  return /[1-9]/.test(user) && MASKED.test(user);
}

/** A feature code alone, such as `*67`, which hides the number of the next call in North America. */
const CODE = /^[*#][\d*#]{0,5}$/;

/**
 * True where the caller's number is said to be hidden: nothing, or a word for it, in its place. A name such as `asha.rao` is no
 * number either, but it says who calls.
 */
export function isHidden(raw: string | null): boolean {
  if (raw === null) return true;
  const { user, host } = addressOf(raw);
  if (host !== null && HIDDEN_HOST.test(host)) return true;
  return HIDDEN_WORD.test(user) || SPELT.has(user) || MASKED.test(user) || /^[0+.-]*$/.test(user);
}

/**
 * True when the text stands for a caller without a number.
 *
 * What has no digit but zeros is no number in any country: so `0000000000`, `-`, `+`, `P`, `Anonymous`, `s` (where a dialplan
 * starts), and the words of all languages count without being listed, and also a name like `asha.rao`, which no CRM can look
 * up as a number. Any other short number (a service, an extension, `1`) may be a caller who shows it.
 */
export function isWithheld(raw: string | null): boolean {
  if (raw === null) return true;
  const { user, host } = addressOf(raw);
  if (host !== null && HIDDEN_HOST.test(host)) return true;
  if (!/[1-9]/.test(user)) return true;
  if (isErasedNumber(user)) return true;
  return HIDDEN_WORD.test(user) || SPELT.has(user) || MASKED.test(user) || CODE.test(user);
}
