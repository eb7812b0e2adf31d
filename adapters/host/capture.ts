/** Capture files on the disk. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { type Capture, CaptureLines, isCompressed } from '../../src/capture/file.ts';
import { unreadable } from './unreadable.ts';

/** Reads a capture file, compressed with gzip or not. Throws an Error that names the file, the line and what is wrong. */
export async function readCapture(path: string): Promise<Capture> {
  const handle = await open(path).catch((error: unknown) => {
    throw new Error(unreadable(path, error, 'a file of "logcalld capture"'));
  });
  const beginning = Buffer.alloc(2);
  await handle.read(beginning, 0, 2, 0);
  await handle.close();
  const bytes = createReadStream(path);
  const text = isCompressed(beginning) ? bytes.pipe(createGunzip()) : bytes;
  const lines = new CaptureLines(path);
  for await (const line of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })) lines.take(line);
  return lines.end();
}
