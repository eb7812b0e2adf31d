/** Answers of logcalld's own HTTP servers. */
import type { ServerResponse } from 'node:http';
import type { Page, PagePath } from '../../src/metrics/pages.ts';
import { ControlError } from './refusal.ts';

export function json(status: number, value: unknown): Page {
  return { status, type: 'application/json; charset=utf-8', body: JSON.stringify(value) };
}

/** The answer to a request that came to nothing. */
export function refusal(error: unknown): Page {
  const status = error instanceof ControlError ? error.status : 500;
  return json(status, { error: error instanceof Error ? error.message : String(error) });
}

/** The page that a request asks for; `null`: none. Throws `ControlError` unless it is a GET. */
export function pathOf(
  { method, url = '' }: { readonly method?: string | undefined; readonly url?: string | undefined },
  paths: readonly PagePath[],
): PagePath | null {
  const path = paths.find((one) => url === one || url.startsWith(`${one}?`));
  if (path === undefined) return null;
  if (method !== 'GET') throw new ControlError(405, `Use GET for ${path}.`);
  return path;
}

/** Resolves when the answer has left, or cannot any more. One that has begun as something else is broken off, which its reader sees. */
export function send(response: ServerResponse, { status, type, body }: Page): Promise<void> {
  if (response.headersSent) response.destroy();
  if (response.destroyed) return Promise.resolve();
  const bytes = Buffer.from(body, 'utf8');
  const left = new Promise<void>((resolve) => response.once('close', resolve));
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, connection: 'close' });
  response.end(bytes);
  return left;
}
