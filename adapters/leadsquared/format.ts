/** Text from outside made fit for a field of the CRM, and times as it writes them. */

/**
 * Control characters, line separators, marks that turn the direction of writing, and angle brackets: LeadSquared refuses a
 * whole request for one text that looks like a script (MXXSSException). Joiners stay, Indian scripts need them.
 */
const UNWANTED = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff<>]+/gu;

/** One line of well-formed text without control characters. */
export function cleanText(text: string): string {
  return text.toWellFormed().replace(UNWANTED, ' ').replace(/\s+/g, ' ').trim();
}

/** The first `limit` UTF-16 units, fewer when the cut would split a character in two. */
export function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, limit);
  const last = cut.charCodeAt(limit - 1);
  return (last >= 0xd800 && last <= 0xdbff ? cut.slice(0, -1) : cut).trimEnd();
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(zone: string): Intl.DateTimeFormat {
  const known = formatters.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  formatters.set(zone, made);
  return made;
}

/**
 * `YYYY-MM-DD HH:MM:SS` of a moment (ms since the epoch) in an IANA zone; parts of a second are dropped.
 *
 * @throws RangeError when the zone does not exist.
 */
export function timeText(ms: number, zone: string): string {
  if (zone === 'UTC') return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
  const parts = new Map(
    formatterOf(zone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, value]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes): string => parts.get(name) ?? '';
  const date = `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
  return `${date} ${part('hour')}:${part('minute')}:${part('second')}`;
}
