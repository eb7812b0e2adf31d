/**
 * Reads a socket into one piece of memory again and again. Node's streams take new memory for each read, and in a flood these
 * pieces, which nobody needs for longer than a moment, make the garbage collector run ten times a second.
 */

/** Of one read: what the kernel gives at most at once. */
const READ_BYTES = 64 * 1024;

/** Option `onread` of `net.connect`. `take`: the bytes are good until it returns. */
export function oneBuffer(take: (chunk: Uint8Array) => void) {
  const buffer = new Uint8Array(READ_BYTES);
  return {
    buffer,
    callback(length: number): boolean {
      take(buffer.subarray(0, length));
      // False would pause the socket.
      return true;
    },
  };
}
