/**
 * One copy of each text that comes again and again: ids and names of channels, contexts. V8 cuts a longer piece out of a text by
 * pointing into it, so an id that is kept for the length of a call would keep the whole packet that it came with.
 */

/** V8 copies shorter pieces. */
const SHORTEST_PIECE = 13;
/** Longer texts come once. */
const LONGEST = 80;
/** Texts known at least, and half of those known at most: what comes again in so many others is not forgotten. */
const KNOWN = 1000;

let recent = new Map<string, string>();
let former = new Map<string, string>();

/** The same text, which keeps nothing but itself. */
export function interned(piece: string): string {
  if (piece.length < SHORTEST_PIECE) return piece;
  if (piece.length > LONGEST) return copied(piece);
  const known = recent.get(piece);
  if (known !== undefined) return known;
  const own = former.get(piece) ?? copied(piece);
  if (recent.size >= KNOWN) {
    former = recent;
    recent = new Map();
  }
  recent.set(own, own);
  return own;
}

/** Through bytes, as everything else that joins texts may point at them as well. The piece was decoded, so it can be encoded. */
function copied(piece: string): string {
  return Buffer.from(piece, 'utf8').toString('utf8');
}
