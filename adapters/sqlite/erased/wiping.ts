/** Makes zeros of the digits of a number: a text stays as long as it is, and what else it says can be read as before. */
import { isCountryCode } from '../../../src/telephony/erased.ts';
import { naming } from './writing.ts';

/** Text without the number. */
export type Wiping = (text: string) => string;

/** Before a number: that it is international, and of which country. */
const FOREIGN = /(?:\+|%2B|(?<!\d)00)([1-9]\d{0,2})(?:[ ().-]|%20|%2[89D])*$/i;

/** One that says itself that it is of another country is left alone. `e164`: the whole of it, `null`: not known. */
export function wiper(digits: string, e164: string | null): Wiping {
  const names = naming(digits);
  const country = e164?.endsWith(digits) === true ? e164.slice(1, -digits.length) : '';
  const isOther = (before: string): boolean => {
    const code = FOREIGN.exec(before)?.[1];
    return country !== '' && code !== undefined && code !== country && isCountryCode(code);
  };
  return (text) =>
    text.replace(names, (found, at: number) =>
      isOther(text.slice(Math.max(0, at - 16), at)) ? found : found.replace(/(?<!%)(?<!%2)\d/g, '0'),
    );
}
