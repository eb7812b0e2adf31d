/**
 * Where the next frame of an event socket begins, when the end of the last one could not be told.
 *
 * mod_event_socket writes an event as `Content-Length`, `Content-Type`, blank line, body; a reply and a notice begin with
 * `Content-Type`. A body in JSON holds no line feed, and one in plain text no such pair of lines, so where this is found a frame
 * begins. (`read_packet` and `listener_run` in mod_event_socket.c.)
 */
const head =
  /Content-Length: \d{1,15}\nContent-Type: |Content-Type: (?:text\/[a-z-]{1,30}|api\/response|command\/reply)\n/;

/** No beginning that is looked for is longer, in bytes: so much of the end of what was searched may be one cut off. */
export const headBytes = 64;

/** Index of the first beginning of a frame; -1 when there is none. */
export function findHead(bytes: Buffer): number {
  // Each byte is one character, so the index in the text is that of the byte.
  return bytes.toString('latin1').search(head);
}
