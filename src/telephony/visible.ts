/**
 * What must not reach a terminal, a log or another program as it came: controls (C0, DEL, C1: with them a text steers a terminal),
 * separators of lines and paragraphs, everything that is there and cannot be seen (zero-width signs, signs that reverse the
 * direction of text, fillers, tags: general category Cf and the property Default_Ignorable_Code_Point of Unicode), and halves of
 * surrogate pairs. A caller's name, a channel, a file name may hold any of them.
 */
const STEERING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Most texts; the classes of Unicode take a millisecond when they are first asked. */
const PLAIN = /^[ -~]*$/;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Makes such signs visible as the escapes of JSON (`\n`, `\u001b`, beyond U+FFFF two of them), so that one entry is one line and
 * shows what was there. A line of JSON stays valid and means the same: within it they stand in texts alone.
 */
export function visible(text: string): string {
  return PLAIN.test(text) ? text : text.replace(STEERING, (sign) => SHORT[sign] ?? escaped(sign));
}

/** The same for a text of several lines. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

const escaped = (sign: string): string =>
  Array.from({ length: sign.length }, (_, at) => `\\u${sign.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
