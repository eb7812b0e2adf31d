/** How many columns of a terminal a text takes: a sign of East Asia or an emoji two, one that is put upon another none. */

/** Width W and F of Unicode's EastAsianWidth, as blocks; emoji that are shown as pictures are found by their property. */
const WIDE =
  /[\u1100-\u115f\u231a\u231b\u2329\u232a\u23e9-\u23f3\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18d08}\u{1aff0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const UPON = /^[\p{Mn}\p{Me}]$/u;
/** Signs of ASCII, by far the most texts. */
const PLAIN = /^[ -~]*$/;

export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const sign of text) width += signWidth(sign);
  return width;
}

const signWidth = (sign: string): number => (UPON.test(sign) ? 0 : WIDE.test(sign) ? 2 : 1);

/** As much of the beginning as fits. */
export function take(text: string, width: number): string {
  if (PLAIN.test(text)) return text.slice(0, width);
  let [taken, left] = ['', width];
  for (const sign of text) {
    left -= signWidth(sign);
    if (left < 0) break;
    taken += sign;
  }
  return taken;
}

export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));
export const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - widthOf(text))) + text;

/** In lines of at most so many columns, between words where there are some; those after the first begin with so many blanks. */
export function wrap(text: string, width: number, indent = 0): string[] {
  const lines: string[] = [];
  let rest = text;
  for (;;) {
    const start = lines.length === 0 ? '' : ' '.repeat(indent);
    const room = Math.max(1, width - start.length);
    if (widthOf(rest) <= room) return [...lines, start + rest];
    const part = take(rest, room + 1);
    // Within the hanging part, not before it.
    const space = part.lastIndexOf(' ');
    const end = space > (lines.length === 0 ? indent : 0) ? space : Math.max(1, take(rest, room).length);
    lines.push(start + rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
}
