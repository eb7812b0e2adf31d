/** The daemon's side of the control socket: HTTP/JSON over a Unix socket that its owner and group may use, never TCP. */
import { lstatSync, unlinkSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { PAGE_PATHS, type Page, type Pages } from '../../src/metrics/pages.ts';
import { json, pathOf, refusal, send } from './answer.ts';
import { type Handlers, type RequestName, requests } from './api.ts';
import { ControlError } from './refusal.ts';
import { checkPath, isAlive, PlaceError } from './socket.ts';
import { type StreamHandlers, type StreamName, streams, streamTo } from './stream.ts';

/** Not by `import`, which reads every export: one of them is a getter that loads a second HTTP client. */
const { createServer } = process.getBuiltinModule('node:http');

export interface ControlServer {
  readonly path: string;
  /** Before this, every request is told to come again. `pages`: for programs of others, whatever their version. `streams`: answers that go on. */
  serve(handlers: Handlers, pages?: Pages, streams?: StreamHandlers): void;
  /** Ends what is watched, lets requests under way finish for a moment, drops the rest, and removes the socket. */
  close(): Promise<void>;
}

/** A request is small; the largest are corrected calls, about 1.5 kB each. */
const MAX_BODY_BYTES = 4_000_000;
const MAX_CONNECTIONS = 32;
/** Of these, those that watch: each keeps its connection. */
const MAX_STREAMS = 8;
const REQUEST_TIMEOUT_MS = 10_000;
/** At the end, requests under way have this long. */
const FINISH_WITHIN_MS = 2_000;

/**
 * Listens at `path` with mode 0660. The socket of a daemon that died is replaced. Rejects with a `PlaceError` when another
 * daemon listens there, or when the place cannot be used.
 */
export async function openControl(path: string): Promise<ControlServer> {
  checkPath(path);
  await makeRoom(path);
  let served: Served | null = null;
  /** Answers that go on: each ends one. */
  const open = new Set<() => void>();
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.keepAliveTimeout = 1_000;
  const busy = new Set<Promise<void>>();
  server.on('request', (request, response) => {
    const name = streamIn(request.url ?? '');
    if (name !== null) {
      watch(request, response, name, served, open).catch((error: unknown) => send(response, refusal(error)));
      return;
    }
    const work = answer(request, served)
      .catch(refusal)
      .then((page) => send(response, page))
      .finally(() => busy.delete(work));
    busy.add(work);
  });
  await listen(server, path);
  // Of a connection that failed after that its request tells.
  server.on('error', () => {});
  return {
    path,
    serve(handlers, pages, streams) {
      served = { handlers, pages: pages ?? null, streams: streams ?? null };
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const end of open) end();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, FINISH_WITHIN_MS);
      });
      await Promise.race([Promise.allSettled(busy), late]);
      clearTimeout(timer);
      server.closeAllConnections();
      await closed;
    },
  };
}

function streamIn(url: string): StreamName | null {
  const word = /^\/v1\/([a-z]+)$/.exec(url)?.[1] ?? '';
  return Object.hasOwn(streams, word) ? (word as StreamName) : null;
}

/** An answer that goes on. */
async function watch(
  request: IncomingMessage,
  response: ServerResponse,
  name: StreamName,
  served: Served | null,
  open: Set<() => void>,
): Promise<void> {
  if (request.method !== 'POST') throw new ControlError(405, 'Use POST.');
  const given = checkedBy(streams[name], name, parse(await readBody(request)));
  const handlers = started(served).streams;
  if (handlers === null) throw new ControlError(404, `logcalld has no ${name}.`);
  if (open.size >= MAX_STREAMS) throw new ControlError(503, `${open.size} commands watch already: end one of them.`);
  const { over, end } = streamTo(response, (sink) => handlers[name](given, sink));
  open.add(end);
  await over;
  open.delete(end);
}

async function makeRoom(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new PlaceError(`The control socket ${path} cannot be made: something else has that name; move it away.`);
  }
  if (await isAlive(path)) {
    throw new PlaceError(
      `Another logcalld, with another database, listens at ${path}: stop it first, or set RUNTIME_DIRECTORY to another folder for this one.`,
    );
  }
  unlinkSync(path);
}

/** The mode comes from the umask at the moment of the bind, so that the socket is never open to others. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // libuv says EACCES also where the folder does not exist.
    const remedy = 'the folder must exist and the user of logcalld must be able to write there (see [storage] path).';
    server.once('error', (error) =>
      reject(new PlaceError(`The control socket ${path} cannot be made (${error.message}): ${remedy}`)),
    );
    const before = process.umask(0o117);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(before);
    }
  });
}

interface Served {
  readonly handlers: Handlers;
  readonly pages: Pages | null;
  readonly streams: StreamHandlers | null;
}

async function answer(request: IncomingMessage, served: Served | null): Promise<Page> {
  const path = pathOf(request, PAGE_PATHS);
  if (path !== null) {
    const page = started(served).pages?.[path];
    if (page === undefined) throw new ControlError(404, `logcalld has no ${path}.`);
    return page();
  }
  const name = nameOf(request.url ?? '');
  if (name === null) throw new ControlError(404, `logcalld has no ${request.url ?? ''}.`);
  const bare = request.method === 'GET';
  if (!bare && request.method !== 'POST') throw new ControlError(405, 'Use POST, or GET where nothing is to be given.');
  const given: unknown = bare ? {} : parse(await readBody(request));
  return json(200, await dispatch(started(served).handlers, name, given));
}

function started(served: Served | null): Served {
  if (served === null) throw new ControlError(503, 'logcalld is still starting: try again in a moment.');
  return served;
}

function nameOf(url: string): RequestName | null {
  const word = /^\/v1\/([a-z]+)$/.exec(url)?.[1] ?? '';
  return Object.hasOwn(requests, word) ? (word as RequestName) : null;
}

function dispatch<N extends RequestName>(handlers: Handlers, name: N, given: unknown): Promise<unknown> {
  const input = checkedBy<unknown>(requests[name], name, given);
  // The schema and the handler of one name belong together.
  const run = handlers[name] as (input: unknown) => Promise<unknown>;
  return run(input);
}

function checkedBy<T>(schema: z.ZodType<T>, name: string, given: unknown): T {
  const checked = schema.safeParse(given);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? name : issue.path.join('.');
  throw new ControlError(400, `The request ${name} is wrong at ${place}: ${issue?.message ?? 'unknown'}.`);
}

function parse(text: string): unknown {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    throw new ControlError(400, 'The request is not JSON.');
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving early must not break the connection that still has to carry the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw new ControlError(413, `The request has more than ${MAX_BODY_BYTES} bytes.`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
