/** The page: which address shows what, and what its buttons do. */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { setCookie } from 'hono/cookie';
import { HTTPException } from 'hono/http-exception';
import { ControlError } from '../../adapters/control/refusal.ts';
import type { Config } from '../../config/schema.ts';
import { privacy, timesOf } from '../commands/output.ts';
import type { PageAction } from '../events.ts';
import type { Daemon } from './ask.ts';
import { serveAssets } from './assets.ts';
import { callView } from './calls/call.ts';
import { type Answer, replay } from './calls/replay.ts';
import { addressOf, requestOf, SearchError, searchOf, sentenceOf } from './calls/search.ts';
import { findGaps } from './gaps.ts';
import { askedPath, cookieOf, type Env, formOf, headers, knownHost, loggedIn, ownOrigin, ownPath } from './guard.ts';
import { createHours, hourOf } from './hours.ts';
import type { Html, Look } from './html.ts';
import { createLive } from './live.ts';
import { createSessions, type Session } from './sessions.ts';
import { streamLive } from './stream.ts';
import { agentsPage } from './views/agents.ts';
import { callPage } from './views/call.ts';
import { callsPage } from './views/calls.ts';
import { type ChartHours, chartsOf } from './views/charts.ts';
import { backLink, framed, loginPage, notice } from './views/frame.ts';
import { gapsPage } from './views/gaps.ts';
import { nowPage, regionsOf } from './views/now.ts';

export interface AppParts {
  readonly daemon: Daemon;
  readonly config: Config;
  /** SHA-256 of the token. */
  readonly tokenDigest: Uint8Array;
  /** Host names beside those of the loopback interface. */
  readonly hosts: readonly string[];
  /** ms since the epoch, and ms that do not step. */
  readonly clock: { now(): number; monotonic(): number };
  /** Hears of what somebody did here. */
  readonly onAction: (what: PageAction) => void;
}

const HOUR_MS = 3_600_000;
const CHART_HOURS = 24;
/** Whole numbers are shown for so long, ms. */
const REVEALED_MS = 15 * 60_000;
const MAX_FORM_BYTES = 16_384;

export function createApp(parts: AppParts): Hono<Env> {
  const { daemon, config, clock, hosts, onAction } = parts;
  const sessions = createSessions(parts.tokenDigest, () => clock.monotonic());
  const hours = createHours(daemon, () => clock.now());
  const live = createLive(daemon);
  const app = new Hono<Env>();

  const lookOf = (session: Session): Look => {
    const revealed = session.revealedUntil > clock.monotonic();
    return { secrecy: privacy(revealed), revealed, times: timesOf(false), now: clock.now(), csrf: session.csrf };
  };
  const show = (
    c: Context<Env>,
    page: (look: Look, path: string) => Html,
    status: 200 | 400 | 404 | 409 | 503 = 200,
  ) => {
    c.header('cache-control', 'no-store');
    return c.html(page(lookOf(c.get('session')), askedPath(c)), status);
  };

  app.use(headers(), knownHost(hosts), ownOrigin(), bodyLimit({ maxSize: MAX_FORM_BYTES }));
  app.onError((error, c) => refusal(c as Context<Env>, error));
  app.get('/login', (c) => c.html(loginPage(ownPath(c.req.query('to') ?? '/'), null)));
  app.post('/login', async (c) => {
    const { token, to } = await c.req.parseBody();
    const path = ownPath(typeof to === 'string' ? to : '/');
    const session = sessions.login(typeof token === 'string' ? token : '');
    if (session === 'late')
      return c.html(loginPage(path, 'Too many wrong tokens: try again in a minute.'), 429, { 'retry-after': '60' });
    onAction(session === null ? 'login-refused' : 'login');
    if (session === null) return c.html(loginPage(path, 'That is not the token.'), 403);
    // A name of `hosts` is that of a proxy with TLS.
    const secure = hosts.includes((c.req.header('host') ?? '').toLowerCase());
    setCookie(c, cookieOf(c), session.id, { httpOnly: true, sameSite: 'Strict', path: '/', secure });
    return c.redirect(path, 303);
  });
  serveAssets(app);
  app.use(loggedIn(sessions));

  const chartHours = async (): Promise<ChartHours> => {
    const from = hourOf(clock.now()) - (CHART_HOURS - 1) * HOUR_MS;
    const [today, weekAgo] = await Promise.all([
      hours.of(from, CHART_HOURS),
      hours.of(from - 7 * 24 * HOUR_MS, CHART_HOURS),
    ]);
    return { at: today.map((_, n) => from + n * HOUR_MS), today, weekAgo };
  };
  app.get('/', async (c) => {
    const [status, counted] = await Promise.all([live.look(), chartHours()]);
    return show(c, (look, path) => {
      const body = nowPage(regionsOf(look, status, live.rates()), chartsOf(look, counted));
      return framed(look, { title: 'Now', place: '/', path, body, live: true, charts: true });
    });
  });
  app.get('/events', (c) => {
    // Of an answer without a body nobody would end the stream.
    if (c.req.method === 'HEAD') return c.body(null, 200, { 'content-type': 'text/event-stream' });
    const session = c.get('session');
    return streamLive(c, {
      live,
      lookOf: () => (sessions.isOpen(session) ? lookOf(session) : null),
      charts: async (look) => chartsOf(look, await chartHours()),
    });
  });

  app.get('/calls', async (c) => {
    const search = searchOf(c.req.query());
    const page = (body: (look: Look) => Html, status: 200 | 400 | 404 = 200) =>
      show(c, (look, path) => framed(look, { title: 'Calls', place: '/calls', path, body: body(look) }), status);
    try {
      const sentence = await sentenceOf(daemon, search);
      const found = await daemon.call('calls', requestOf(search, c.req.query('cursor'), sentence));
      const older = found.more && found.cursor !== null ? addressOf(search, found.cursor) : null;
      return page((look) => callsPage(look, search, found, null, older, sentence));
    } catch (error) {
      if (error instanceof SearchError) return page((look) => callsPage(look, search, null, error.message, null), 400);
      if (!(error instanceof ControlError) || error.status >= 500) throw error;
      return page((look) => callsPage(look, search, null, error.message, null), error.status === 404 ? 404 : 400);
    }
  });
  app.get('/calls/:id', async (c) => {
    const view = await callView(daemon, config, c.req.param('id'), clock.now());
    return show(c, (look, path) =>
      framed(look, { title: 'Call', place: '/calls', path, body: callPage(look, view(look)) }),
    );
  });
  app.get('/agents', async (c) => {
    const users = await daemon.call('users', {});
    return show(c, (look, path) =>
      framed(look, { title: 'Agents', place: '/agents', path, body: agentsPage(look, users) }),
    );
  });
  app.get('/gaps', async (c) => {
    const found = await findGaps(daemon, clock.now());
    return show(c, (look, path) => framed(look, { title: 'Gaps', place: '/gaps', path, body: gapsPage(look, found) }));
  });

  /** A button: does what it says, tells the log, and leads back. */
  const button = (
    path: string,
    name: PageAction | null,
    run: (c: Context<Env>, form: Form) => Promise<Answer>,
  ): void => {
    app.post(path, async (c) => {
      const form = await formOf(c);
      if (form === null) return c.text('Refused: the page was not made for this session; load it again.\n', 403);
      const answer = await run(c, form);
      if (name !== null && answer?.idle !== true) onAction(name);
      const back = ownPath(form.to ?? '/');
      if (answer === undefined) return c.redirect(back, 303);
      return show(c, (look) => notice(look, answer.title, answer.lines.map(look.secrecy.text), back, backLink(back)));
    });
  };
  button('/pause', 'pause', () => done(daemon.call('pause', {})));
  button('/resume', 'resume', () => done(daemon.call('resume', {})));
  button('/retry', 'retry', () => done(daemon.call('retry', {})));
  button('/acknowledge', 'acknowledge', (_c, { seen = '0' }) => note(daemon, Number(seen)));
  button('/acknowledge-notices', 'acknowledge-notices', () => done(daemon.call('acknowledge', { of: 'notices' })));
  button('/reveal', 'numbers-shown', async (c) => {
    c.get('session').revealedUntil = clock.monotonic() + REVEALED_MS;
    return undefined;
  });
  button('/mask', null, async (c) => {
    c.get('session').revealedUntil = 0;
    return undefined;
  });
  button('/logout', null, async (c) => {
    sessions.end(c.get('session'));
    return undefined;
  });
  button('/replay', 'replay', (_c, form) => replay(daemon, form));
  app.notFound((c) => show(c, (look, path) => notice(look, 'Nothing here', ['There is no such page.'], path), 404));

  function refusal(c: Context<Env>, error: unknown) {
    if (error instanceof HTTPException) return error.getResponse();
    const text = error instanceof Error ? error.message : String(error);
    const said = error instanceof ControlError ? error.status : null;
    const status = said === 404 || said === 409 ? said : 503;
    const session: Session | undefined = c.get('session');
    if (session === undefined) return c.text(`${text}\n`, status);
    // What a button does has no page of its own.
    const leadsTo = (path: string): string => (c.req.method === 'GET' ? path : '/');
    return show(c, (look, path) => notice(look, 'That did not work', [look.secrecy.text(text)], leadsTo(path)), status);
  }
  return app;
}

type Form = Readonly<Record<string, string>>;

/** Takes note of the calls that were shown: of those that came since, nobody has seen anything. */
async function note(daemon: Daemon, seen: number): Promise<Answer> {
  try {
    await daemon.call('acknowledge', { of: 'calls', seen: Number.isSafeInteger(seen) && seen > 0 ? seen : 0 });
    return undefined;
  } catch (error) {
    if (!(error instanceof ControlError) || error.status !== 409) throw error;
    return { title: 'More calls wait by now', lines: ['Nothing was noted. Look at them first.'], idle: true };
  }
}

const done = (work: Promise<unknown>): Promise<Answer> => work.then(() => undefined);
