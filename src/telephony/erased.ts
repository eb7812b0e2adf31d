/** Numbers of which an operator had the digits taken out: what the journal then has in their place is no number. */

/** Country codes (ITU-T E.164). */
const CODE =
  '(?:[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|(?:2[1-689]|3[578]|42|5[09]|6[7-9]|8[035789]|9[679])\\d)';

export const isCountryCode = (digits: string): boolean => new RegExp(`^${CODE}$`).test(digits);

/** Erased are the national digits, seven at least. Without a "+" fewer zeros may be the end of a number at home, such as 7000000000 in India. */
const ERASED = new RegExp(`^(?:(?:\\+|00)${CODE}0{7,}|(?![17]0{9}$)${CODE}0{9,})$`);

/** True for a country code, or what looks like one, with nothing but zeros behind it: in no country is that a number. */
export const isErasedNumber = (user: string): boolean => ERASED.test(user.replace(/[ ().-]/g, ''));
