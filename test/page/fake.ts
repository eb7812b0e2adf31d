/** A daemon that answers what a test says, and a page in front of it without a socket. */
import { createHash } from 'node:crypto';
import { ControlError } from '../../adapters/control/refusal.ts';
import { parseConfig } from '../../config/load.ts';
import type { CallRecord } from '../../src/call/record.ts';
import type { PageAction } from '../../src/events.ts';
import { createApp } from '../../src/page/app.ts';
import type { Daemon, Status } from '../../src/page/ask.ts';

export const TOKEN = 'a token of the tests';
export const HOST = '127.0.0.1:8470';
export const NOW = Date.UTC(2026, 10, 25, 10, 2, 0);

export const CONFIG = parseConfig(
  `allow_inline_secrets = true
[[source]]
type = 'asterisk'
name = 'asterisk'
username = 'test'
secret = 'x'
[leadsquared]
host = 'api-in21.leadsquared.com'
access_key = 'x'
secret_key = 'x'
[leadsquared.user]
default_user = 'agent@example.com'
`,
  '/etc/logcalld/logcalld.toml',
);

export function statusOf(more: Partial<Status> = {}): Status {
  const states = { pending: 0, retrying: 0, sending: 0, uncertain: 0, delivered: 7, parked: 0, skipped: 1 };
  const counts: Status['counts'] = {
    ...{ states, oldestWaiting: null, updatesWaiting: 0, parkedReasons: [], skippedReasons: [] },
    parked: { reasons: [], latest: { parked: 0, calls: 8 } } as unknown as Status['counts']['parked'],
  };
  const permits = {
    ...{ tuning: { requests: 25, windowMs: 5000 }, used: 3, underWay: 0, heldMs: 0, day: '2026-11-25', usedToday: 12 },
    waiting: { live: 0, backlog: 0, retry: 0 },
  } as unknown as NonNullable<Status['delivery']>['permits'];
  return {
    ...{ running: true, version: '0.1.0', pid: 7, startedAt: NOW - 60_000, database: '/db', at: NOW },
    sources: [
      {
        ...{ name: 'asterisk', state: 'connected', since: NOW - 50_000, problem: null, frames: 10, unknownEvents: 0 },
        ...{ faults: 0, lastFrameAt: NOW - 1000, callHeardAt: NOW - 2000 },
      } as Status['sources'][number],
    ],
    ...{ live: [], conditions: [], gaps: [], backup: null, strangers: null, unstored: 0, counts },
    delivery: {
      ...counts,
      ...{ circuit: 'closed', standing: 'works', cause: null, paused: false, permits, oldestMs: null },
      users: { count: 8, fetchedAt: NOW - 5000 },
    },
    ...more,
  };
}

export function recordOf(more: Partial<CallRecord> = {}): CallRecord {
  return {
    ...{ callSessionId: 'asterisk-1764064920.7', source: 'asterisk', direction: 'Inbound', status: 'Answered' },
    ...{ external: '+919845012345', externalE164: '+919845012345', externalName: null, withheld: false },
    ...{ did: null, didE164: null, trunk: 'PJSIP/trunk-in', queue: null, ringGroup: null, agent: '1001' },
    ...{ agentDomain: null, agentsRung: ['1001'], responsible: '1001', agentsTalked: [] },
    ...{ startedAt: NOW - 30_000, answeredAt: NOW - 20_000, endedAt: NOW - 5000, durationSeconds: 15, talkSeconds: 15 },
    ...{ ringSeconds: 10, holdSeconds: 0, recording: null, recordings: [], q850: 16, sip: null, flags: [], legs: 2 },
    ...{ reasons: null },
    ...more,
  };
}

type Answers = { readonly [name: string]: (input: never) => unknown };

/** `asked`: what the page asked for, in order. `look`: at the state of everything. */
export function pageOn(
  answers: Answers = {},
  status: Status = statusOf(),
  hosts: readonly string[] = [],
  look: () => Promise<Status> = async () => status,
) {
  const asked: { readonly name: string; readonly input: unknown }[] = [];
  const actions: PageAction[] = [];
  let monotonic = 1_000_000;
  const call = async (name: string, input: unknown): Promise<unknown> => {
    asked.push({ name, input });
    if (name === 'status') return status;
    if (name === 'hours') return { hours: [] };
    const answer = answers[name];
    if (answer === undefined) throw new ControlError(404, `The test has no ${name}.`);
    return answer(input as never);
  };
  const daemon = { call, status: look } as unknown as Daemon;
  const app = createApp({
    ...{ daemon, config: CONFIG, hosts, onAction: (action: PageAction) => actions.push(action) },
    tokenDigest: createHash('sha256').update(TOKEN).digest(),
    clock: { now: () => NOW, monotonic: () => monotonic },
  });
  const ask = (path: string, init: RequestInit & { readonly cookie?: string } = {}): Promise<Response> => {
    const { cookie, headers, ...rest } = init;
    const own = { host: HOST, ...(cookie === undefined ? {} : { cookie }) };
    return Promise.resolve(app.request(path, { ...rest, headers: { ...own, ...headers } }));
  };
  const post = (path: string, fields: Record<string, string>, cookie?: string, origin = `http://${HOST}`) =>
    ask(path, {
      method: 'POST',
      body: new URLSearchParams(fields).toString(),
      headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
      ...(cookie === undefined ? {} : { cookie }),
    });
  return {
    ...{ asked, actions, ask, post, fetch: app.fetch },
    pass: (ms: number) => {
      monotonic += ms;
    },
    /** Logs in. The cookie, and the token of the session's forms. */
    async login() {
      const answer = await post('/login', { token: TOKEN, to: '/' });
      const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
      const page = await (await ask('/', { cookie })).text();
      return { cookie, csrf: /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '' };
    },
  };
}
