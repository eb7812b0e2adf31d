/** Text for man pages: the macros of man(7), and characters that mean something to roff. */

/** Text as it is to be read. */
export function plain(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '\\(ga')
    .replaceAll("'", '\\(aq')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replace(/^\./gm, '\\&.');
}

export const bold = (text: string): string => `\\fB${plain(text)}\\fR`;

/** A macro with its arguments in quotes. */
export const macro = (name: string, ...words: readonly string[]): string =>
  [`.${name}`, ...words.map((word) => `"${plain(word).replaceAll('"', '\\(dq')}"`)].join(' ');

/** A term and what it means; both are roff already. */
export const item = (term: string, ...meaning: readonly string[]): readonly string[] => ['.TP', term, ...meaning];

/** Lines that stay as they are. */
export const verbatim = (lines: readonly string[]): readonly string[] => ['.EX', ...lines.map(plain), '.EE'];

/** A whole page; says that it is made, and by what. */
export function page(name: string, section: number, title: string, body: readonly string[]): string {
  return [
    '.\\" Made by "npm run manual" from the command table, the schema of the config and its example: change those.',
    `.TH ${name.toUpperCase()} ${section} "" "logcalld" "${title}"`,
    ...body,
    '',
  ].join('\n');
}
