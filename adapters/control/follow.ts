/** The commands' side of an answer that goes on. */
import { connect } from 'node:net';
import { ControlError } from './refusal.ts';
import type { StreamName, StreamOf } from './stream.ts';

/** A line has at most one frame of a PBX, which is refused when it is longer than a few MB. */
const MAX_LINE_BYTES = 64_000_000;

/** See `ControlClient.follow`. An end of the connection is the end of the answer, whoever made it. */
export function follow<N extends StreamName>(
  path: string,
  name: N,
  input: StreamOf<N>,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const body = JSON.stringify(input);
  return new Promise((resolve, reject) => {
    // A signal that has come already does not come again.
    if (signal.aborted) return resolve();
    const socket = connect(path);
    const stop = (): void => void socket.destroy();
    signal.addEventListener('abort', stop, { once: true });
    let waiting: Buffer[] = [];
    let size = 0;
    let status: string | null = null;
    const take = (text: string): void => {
      if (status === '200') onLine(text);
    };
    socket.on('data', (chunk: Buffer) => {
      let rest = chunk;
      // The head of the answer ends with an empty line; what follows are lines of JSON.
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        const text = Buffer.concat([...waiting, rest.subarray(0, end)]).toString('utf8');
        waiting = [];
        size = 0;
        rest = rest.subarray(end + 1);
        if (head) readHead(text);
        else take(text);
      }
      size += rest.length;
      if (size > MAX_LINE_BYTES) socket.destroy();
      else if (rest.length > 0) waiting.push(rest);
    });
    let head = true;
    const readHead = (line: string): void => {
      status ??= /^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? null;
      if (line.trim() === '') head = false;
    };
    socket.on('error', () => {});
    socket.on('close', () => {
      signal.removeEventListener('abort', stop);
      if (status === null || status === '200') resolve();
      else reject(new ControlError(Number(status), refusalIn(Buffer.concat(waiting).toString('utf8'))));
    });
    socket.write(
      `POST /v1/${name} HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });
}

function refusalIn(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'error' in value) return String(value.error);
  } catch {
    // Told as it is.
  }
  return text;
}
