/** The bytes of a reply as what they are: packed replies come from gateways also when they were not asked for. */
import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';

export interface Content {
  readonly bytes: Buffer;
  /** False when it ended in the middle, was damaged, or is larger than allowed. */
  readonly complete: boolean;
}

/** By the names of RFC 9110, 8.4.1. What some servers call deflate lacks the two bytes of the zlib format around it. */
function decoderFor(coding: string, packed: Buffer): Transform | null {
  if (coding === 'gzip' || coding === 'x-gzip') return createGunzip();
  if (coding === 'br') return createBrotliDecompress();
  if (coding !== 'deflate') return null;
  const zlib = packed.length >= 2 && packed.readUInt16BE(0) % 31 === 0 && ((packed[0] ?? 0) & 0x0f) === 8;
  return zlib ? createInflate() : createInflateRaw();
}

/**
 * Unpacks a body. What is packed in a way that nobody documents stays as it is.
 *
 * @param codings the Content-Encoding header.
 * @param maxBytes a larger result is not unpacked further, however small the body is.
 */
export async function unpack(packed: Content, codings: string | undefined, maxBytes: number): Promise<Content> {
  let content = packed;
  // The last named was applied last.
  for (const coding of (codings ?? '').toLowerCase().split(',').reverse()) {
    const decoder = content.bytes.length === 0 ? null : decoderFor(coding.trim(), content.bytes);
    if (decoder === null) continue;
    const { bytes, complete } = await run(decoder, content.bytes, maxBytes);
    content = { bytes, complete: complete && content.complete };
  }
  return content;
}

async function run(decoder: Transform, packed: Buffer, maxBytes: number): Promise<Content> {
  const chunks: Buffer[] = [];
  let size = 0;
  let complete = true;
  try {
    decoder.end(packed);
    for await (const chunk of decoder) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      complete = size <= maxBytes;
      if (!complete) break;
      chunks.push(bytes);
    }
  } catch {
    complete = false;
  }
  return { bytes: Buffer.concat(chunks), complete };
}
