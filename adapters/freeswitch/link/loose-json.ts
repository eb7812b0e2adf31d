/** JSON as FreeSWITCH may send it: control characters in what a phone sent have to be escaped, and are not always. */

const STRING = /"(?:[^"\\]|\\.)*"/gs;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROL = /[\u0000-\u001f]/g;

/** As `JSON.parse`, but that control characters inside of strings stand for themselves. Throws a SyntaxError. */
export function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const strict = text.replace(STRING, (string) => string.replace(CONTROL, asEscape));
    if (strict === text) throw error;
    return JSON.parse(strict);
  }
}

const asEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
