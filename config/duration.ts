/** Lengths of time as people write them. */

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `'5s'`, `'1.5h'` to ms; `null` when the text is not a duration. Units: ms, s, m, h, d, w. */
export function parseDuration(text: string): number | null {
  const form = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text.trim());
  if (form === null) return null;
  const unit = unitMs[form[2] ?? ''];
  return unit === undefined ? null : Math.round(Number(form[1]) * unit);
}
