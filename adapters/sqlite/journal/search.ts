/**
 * Which frames name one of some channels, found in their bytes without reading what they say. Every frame that names one is
 * found; of the others a few may be, which costs their reading and nothing more.
 */

/** The characters that ids are made of, in all PBXs: a word ends where another one stands. */
const WORD = new Uint8Array(256);
for (const one of '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_') WORD[one.charCodeAt(0)] = 1;

const BEGIN = 0x811c9dc5;

/** One step of FNV-1a (32 bits). */
const mix = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193);

/** A test for bytes that hold one of these ids as a word. */
export function naming(ids: Iterable<string>): (bytes: Uint8Array) => boolean {
  const wanted = new Set<number>();
  for (const id of ids) {
    const word = firstWord(Buffer.from(id, 'utf8'));
    // An id without a word in it cannot be told from anything.
    if (word === null) return () => true;
    wanted.add(word);
  }
  if (wanted.size === 0) return () => false;
  return (bytes) => {
    let hash = BEGIN;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (WORD[byte] === 1) hash = mix(hash, byte);
      else if (hash !== BEGIN) {
        if (wanted.has(hash)) return true;
        hash = BEGIN;
      }
    }
    return wanted.has(hash);
  };
}

/** Of an id with other characters only its first word counts: the rest may be written otherwise (URL-encoded) in a frame. */
function firstWord(id: Uint8Array): number | null {
  let hash = BEGIN;
  for (const byte of id) {
    if (WORD[byte] === 1) hash = mix(hash, byte);
    else if (hash !== BEGIN) break;
  }
  return hash === BEGIN ? null : hash;
}
