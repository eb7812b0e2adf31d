/**
 * A strict stand-in for the parts of LeadSquared's API that logcalld uses: for `logcalld sandbox`, the demo and the tests.
 *
 * It is strict where the real one is documented to be, counts requests at their arrival, keeps a ledger of everything it
 * carried out, accepts a repeated call as the real one does, and can be told what goes wrong with which request.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Answer, Disguise } from './answer.ts';
import { rateRefusal } from './answer.ts';
import { applyUpdate, fileActivity } from './calls.ts';
import { control, type SandboxStats } from './control.ts';
import { type FaultPlan, type FaultRule, faultList, planOf } from './faults.ts';
import { type Ledger, openLedger } from './ledger.ts';
import { DEFAULT_RULES, HOST_CLOCK, SANDBOX_ACCESS_KEY, SANDBOX_SECRET_KEY, type SandboxOptions } from './options.ts';
import { answerTo, type Keys, type SandboxRequest } from './routes.ts';
import { arrivalWindow } from './window.ts';
import { fileLead, type SandboxLead, type World } from './world.ts';

const MAX_BODY_BYTES = 1_048_576;

/** What happened to one API request, told when it has been carried out and before its answer leaves. */
export interface SeenRequest {
  readonly request: SandboxRequest;
  /** ms on the monotonic clock. */
  readonly arrivedAt: number;
  readonly fate: 'answered' | 'refused' | 'fault';
}

export interface Sandbox {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly ledger: Ledger;
  readonly leads: ReadonlyMap<string, SandboxLead>;
  /** The most API requests that arrived in any closed window, refused ones included. */
  worstWindow(): number;
  /** Arrival times of all API requests, ms on the monotonic clock. */
  arrivals(): readonly number[];
  stats(): SandboxStats;
  addFaults(...rules: readonly FaultRule[]): void;
  clearFaults(): void;
  addLead(lead: SandboxLead): void;
  /** Resolves with the next API request that `wanted` accepts. */
  next(wanted?: (seen: SeenRequest) => boolean): Promise<SeenRequest>;
  /** Ends all connections, the unanswered ones too. */
  close(): Promise<void>;
}

const DISGUISES: readonly Disguise[] = ['429', '403', '200'];

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw new Error(`the request body is over ${MAX_BODY_BYTES} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, answer: Answer, delivery: FaultPlan['delivery']): void {
  if (delivery === 'never') return;
  if (delivery === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  const body = Buffer.from(answer.body, 'utf8');
  response.writeHead(answer.status, { ...answer.headers, 'content-length': body.length });
  if (delivery === 'whole') response.end(body);
  else {
    const sent = delivery === 'cut' ? () => void response.socket?.destroy() : () => {};
    response.write(body.subarray(0, Math.max(1, body.length >> 1)), sent);
  }
}

function buildWorld(options: SandboxOptions): World {
  const clock = options.clock ?? HOST_CLOCK;
  const world: World = {
    rules: { ...DEFAULT_RULES, ...options },
    leads: new Map(),
    byNumber: new Map(),
    users: options.users ?? [],
    activities: new Map(),
    ledger: openLedger(options.ledgerFile ?? null),
    newId: options.newId ?? randomUUID,
    now: clock.now,
    monotonic: clock.monotonic,
  };
  for (const lead of options.leads ?? []) fileLead(world, lead);
  for (const entry of world.ledger.entries()) {
    const { leadId, body } = entry;
    if (leadId !== null && !world.leads.has(leadId)) {
      const phone = body.Phone ?? (body.Direction === 'Inbound' ? body.SourceNumber : body.DestinationNumber);
      fileLead(world, { id: leadId, phone: String(phone) });
    }
    if (entry.kind === 'logcall') fileActivity(world, entry, 0);
    if (entry.kind === 'update') applyUpdate(world, entry);
  }
  return world;
}

/** Starts the server; rejects when the port is taken. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { limit = 25, windowMs = 5000, refuseAs = '429', countRefused = true } = options;
  const clock = options.clock ?? HOST_CLOCK;
  const world = buildWorld(options);
  const window = arrivalWindow(limit, windowMs, countRefused);
  const faults = faultList();
  faults.add(options.faults ?? []);
  const paths = new Map<string, number>();
  const watchers = new Set<(seen: SeenRequest) => void>();
  const delays = new Set<() => void>();
  let refused = 0;
  let url = '';
  const keys: Keys = {
    accessKey: options.accessKey ?? SANDBOX_ACCESS_KEY,
    secretKey: options.secretKey ?? SANDBOX_SECRET_KEY,
    rightHost: options.rightHost ?? null,
    url: () => url,
  };

  const stats = (): SandboxStats => ({
    arrivals: window.times().length,
    worstWindow: window.worst(),
    limit,
    windowMs,
    refused,
    faults: faults.fired(),
    calls: world.ledger.calls().length,
    doubled: world.ledger.doubled(),
    paths: Object.fromEntries(paths),
  });

  const tell = (request: SandboxRequest, arrivedAt: number, fate: SeenRequest['fate']): void => {
    for (const watcher of [...watchers]) watcher({ request, arrivedAt, fate });
  };

  const serve = (request: SandboxRequest, response: ServerResponse, arrivedAt: number, within: boolean): void => {
    if (!within) {
      const disguise = refuseAs === 'rotate' ? (DISGUISES[refused % 3] ?? '429') : refuseAs;
      refused++;
      tell(request, arrivedAt, 'refused');
      send(response, rateRefusal(disguise, limit, windowMs), 'whole');
      return;
    }
    const session = /"CallSessionId"\s*:\s*"([^"]*)"/.exec(request.body)?.[1] ?? null;
    const fault = faults.take(request.path, session, `${[...request.query.values()].join(' ')} ${request.body}`);
    if (fault === null) {
      const answer = answerTo(world, request, keys);
      tell(request, arrivedAt, 'answered');
      send(response, answer, 'whole');
      return;
    }
    const plan = planOf(fault, limit, windowMs);
    const answer = plan.answer(plan.commit ? answerTo(world, request, keys) : null);
    tell(request, arrivedAt, 'fault');
    if (plan.delayMs === 0) {
      send(response, answer, plan.delivery);
      return;
    }
    const cancel = clock.after(plan.delayMs, () => {
      delays.delete(cancel);
      send(response, answer, plan.delivery);
    });
    delays.add(cancel);
  };

  const receive = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(message.url ?? '/', 'http://127.0.0.1');
    const controls = pathname.startsWith('/sandbox/');
    // The arrival is when the head of the request is here: a body that comes late must not move it.
    const arrivedAt = clock.monotonic();
    const within = controls || window.arrive(arrivedAt);
    const body = await readBody(message);
    const path = pathname.replace(/^\/v2(?=\/)/, '');
    const request = { method: message.method ?? 'GET', path, query: searchParams, headers: message.headers, body };
    if (controls) {
      send(response, control(request, world, faults, stats), 'whole');
      return;
    }
    paths.set(path, (paths.get(path) ?? 0) + 1);
    serve(request, response, arrivedAt, within);
  };

  const server = createServer((message, response) => {
    // By its own clock, as its times are.
    response.setHeader('date', new Date(clock.now()).toUTCString());
    // A client that goes away in the middle of its request is no reason to stop serving the others.
    receive(message, response).catch(() => response.socket?.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  url = `http://127.0.0.1:${port}`;

  return {
    url,
    port,
    accessKey: keys.accessKey,
    secretKey: keys.secretKey,
    ledger: world.ledger,
    leads: world.leads,
    worstWindow: window.worst,
    arrivals: window.times,
    stats,
    addFaults: (...rules) => faults.add(rules),
    clearFaults: faults.clear,
    addLead: (lead) => fileLead(world, lead),
    next: (wanted = () => true) =>
      new Promise((resolve) => {
        const watcher = (seen: SeenRequest): void => {
          if (!wanted(seen)) return;
          watchers.delete(watcher);
          resolve(seen);
        };
        watchers.add(watcher);
      }),
    close: () =>
      new Promise((resolve) => {
        for (const cancel of delays) cancel();
        server.close(() => {
          world.ledger.close();
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
