/**
 * The name of a key with its value: in a URL, or as a member of JSON. Each place of a text is looked at a fixed number of times,
 * since whole replies of megabytes go through here on the thread that reads the PBX.
 */
const KEY = /((?:access|secret)_?-?key(?:\s*=\s*|"\s*:\s*"))(?:(?<=")[^"\\]*(?:\\.[^"\\]*)*|[^&\s"'<>]+)/gis;
const MASK = '***';

/**
 * Makes the function that removes secrets from any text before it is stored, logged or shown: the given values in each
 * spelling in which they could come back (plain, percent-encoded, inside JSON), and whatever stands after the name of a key.
 */
export function scrubber(secrets: readonly string[]): (text: string) => string {
  const spellings = new Set<string>();
  for (const secret of secrets) {
    // Shorter ones would blank out half of every text, and are no secrets.
    if (secret.length < 4) continue;
    const inJson = JSON.stringify(secret).slice(1, -1);
    // JSON inside a text inside JSON, as in the SourceData of an activity.
    const inTextInJson = JSON.stringify(inJson).slice(1, -1);
    for (const spelling of [secret, inJson, inTextInJson, encodeURIComponent(secret), encodeURI(secret)]) {
      spellings.add(spelling);
    }
  }
  // The longest first: a short spelling inside a long one would leave the rest of it behind.
  const ordered = [...spellings].sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const spelling of ordered) clean = clean.replaceAll(spelling, MASK);
    return clean.replace(KEY, `$1${MASK}`);
  };
}
