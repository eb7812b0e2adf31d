/** What the length of a number tells, where nothing better is known. */

/**
 * True for digits as short as an extension, a queue or a ring group: dialling plans give them two to six digits. One digit is a key
 * of a voice menu. A number of the telephone network has more, as soon as its area code is dialled with it.
 */
export function isExtensionLike(text: string | null): text is string {
  return text !== null && /^\d{2,6}$/.test(text);
}

/** Fewest digits of a number of the telephone network: countries without area codes have numbers of seven. */
export const NETWORK_DIGITS = 7;

/** True for what can be a number of the telephone network by its length. */
export function isNetworkLike(text: string): boolean {
  return /^\+?\d+$/.test(text) && text.replace('+', '').length >= NETWORK_DIGITS;
}
