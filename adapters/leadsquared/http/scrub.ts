const KEY_IN_URL = /((?:access|secret)_?key\s*=\s*)[^&\s"'<>]+/gi;
const KEY_IN_JSON = /("[^"]*(?:access|secret)_?-?key"\s*:\s*")(?:[^"\\]|\\.)*/gi;
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
    return clean.replace(KEY_IN_URL, `$1${MASK}`).replace(KEY_IN_JSON, `$1${MASK}`);
  };
}
