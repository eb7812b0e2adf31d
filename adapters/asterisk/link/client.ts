/**
 * One PBX's AMI, for ever: connects, logs in, watches the link, and starts again when it breaks.
 *
 * | happens                                            | step of `src/link/link.ts`                           |
 * |----------------------------------------------------|------------------------------------------------------|
 * | login accepted, then `FullyBooted` or its deadline | up                                                   |
 * | socket error, silence, end                         | lose                                                 |
 * | certificate, port or version is wrong              | refuse                                               |
 * | user or secret is wrong                            | refuse; connects soon, but holds back its login      |
 * | `close()`                                          | stop                                                 |
 *
 * What each end costs Asterisk, and when the login is sent: `pace.ts`.
 */
import { Hold } from '../../../src/link/hold.ts';
import { Link, type LinkStatus } from '../../../src/link/link.ts';
import { AmiActionError, type AmiList } from './actions.ts';
import { type AmiClientHandlers, type AmiClientOptions, DEFAULTS } from './client-options.ts';
import { type ActionFields, AmiConnection } from './connection.ts';
import { watchPulse } from './heartbeat.ts';
import { login } from './login.ts';
import { createPace } from './pace.ts';
import type { AmiPacket } from './packet.ts';
import { failureOf, halfOpen, LinkFailure, noFullyBooted, notRenewed } from './problem.ts';
import { Takeover } from './takeover.ts';
import { end, leave, type Visit, visitOf } from './visit.ts';

/** Packets held back before `onConnected`, and their bytes; a stream beyond this is let through without `FullyBooted`. */
const MAX_HELD = 10_000;
const MAX_HELD_BYTES = 1 << 26;

export class AmiClient {
  readonly #options: Required<Omit<AmiClientOptions, 'tls'>> & Pick<AmiClientOptions, 'tls'>;
  readonly #handlers: AmiClientHandlers;
  readonly #link: Link;
  readonly #hold: Hold;
  readonly #pace: ReturnType<typeof createPace>;
  #visit: Visit | null = null;
  /** Another connection logs in beside the present one. */
  #takeover: Takeover | null = null;
  #connections = 0;

  constructor(options: AmiClientOptions, handlers: AmiClientHandlers) {
    this.#options = { ...DEFAULTS, ...options };
    this.#handlers = handlers;
    this.#pace = createPace(this.#options);
    const { host, clock, random, retryMs } = this.#options;
    this.#hold = new Hold(clock);
    const onChange = (status: LinkStatus) => handlers.onStatus?.(status);
    this.#link = new Link({ host, clock, random, retryMs, connect: () => this.#connect(), onChange });
  }

  /** Begins to connect and returns at once. */
  start(): void {
    this.#link.start();
  }

  get status(): LinkStatus {
    return this.#link.status;
  }

  /** How long nothing has come over the present connection, ms; `null` when there is none. */
  get silentMs(): number | null {
    return this.#visit === null ? null : this.#options.clock.monotonic() - this.#visit.connection.heardAt;
  }

  /** While connected: what is wrong with `subject`, `null` when it is well again. */
  note(subject: string, problem: string | null): void {
    this.#link.note(subject, problem);
  }

  /** Sends an action and resolves with its response; rejects with an `AmiActionError`, also when not connected. */
  async action(name: string, fields: ActionFields = [], deadlineMs = this.#options.actionDeadlineMs) {
    return this.#ready(name).action(name, fields, deadlineMs);
  }

  /**
   * Sends an action that is answered by a list of events, which may be mixed with ordinary ones, and resolves with the
   * list. `deadlineMs` is the longest silence within it. The items have been handed to `onPacket` as well.
   */
  async listAction(
    name: string,
    fields: ActionFields = [],
    deadlineMs = this.#options.actionDeadlineMs,
  ): Promise<AmiList> {
    return this.#ready(name).listAction(name, fields, deadlineMs);
  }

  /** True: read slower, as the journal is behind. */
  hold(held: boolean): void {
    this.#hold.set(held);
  }

  /** Drops the present connection, if there is one, and lets the client open a new one. */
  reconnect(reason: string): void {
    this.#visit?.connection.close(new LinkFailure('network', reason));
  }

  /** Asks for a sign of life, whose answer `onPong` is told. */
  ping(): void {
    if (this.#visit?.held === null) this.#ping(this.#visit);
  }

  /**
   * Logs in beside the present connection and goes over to that one: what a user may read is decided when he logs in, and stays so
   * when the PBX reads its configuration anew. Nothing is lost or told by it (`takeover.ts`). Where the PBX refuses, the present
   * connection stays and that is its problem, or is given up, for whom nothing comes over it (`giveUp`). Does nothing while a login that
   * was refused holds back the next one.
   */
  async renew(giveUp = false): Promise<void> {
    const before = this.#visit;
    if (before?.held !== null || !(await this.#pace.ready())) return;
    if (before !== this.#visit || this.#takeover !== null) return;
    const visit = this.#open(true);
    const takeover = new Takeover(before, visit);
    this.#takeover = takeover;
    const { pingDeadlineMs } = this.#options;
    const failure = await takeover
      .run(() => this.#authenticate(visit), pingDeadlineMs)
      .catch((error: unknown) => error);
    if (failure !== undefined || visit.over || before !== this.#visit) {
      this.#stay();
      // A connection that fails is no news: the next time will do.
      if (before !== this.#visit || !(failure instanceof LinkFailure) || failure.kind === 'network') return;
      if (giveUp) before.connection.close(failure);
      else if (failure.kind === 'login') this.#pace.refused();
      if (!giveUp) this.#link.note('login', notRenewed(failure.message));
      return;
    }
    this.#takeover = null;
    this.#visit = visit;
    this.#pace.accepted();
    end(before);
    this.#watch(visit);
    visit.held = null;
    this.#link.note('login', null);
    visit.connection.handle('beginning', () => this.#handlers.onRenewed?.());
    for (const [packet, at] of takeover.rest()) visit.connection.handle(packet, () => this.#event(visit, packet, at));
    await leave(before);
  }

  /** The connection that stands is not taken over from. */
  #stay(): void {
    const takeover = this.#takeover;
    this.#takeover = null;
    if (takeover === null) return;
    const { before, next, late } = takeover;
    next.connection.close(new LinkFailure('network', 'the login was not renewed.'));
    for (const [packet, at] of late) before.connection.handle(packet, () => this.#event(before, packet, at));
  }

  /** Logs off, closes the connection and rejects what still waits. */
  async close(): Promise<void> {
    const visit = this.#visit;
    this.#visit = null;
    this.#takeover?.next.connection.close(new LinkFailure('network', 'the client was closed.'));
    this.#link.stop();
    if (visit === null) return;
    end(visit);
    await leave(visit);
  }

  #ready(name: string): AmiConnection {
    if (this.#visit?.held === null) return this.#visit.connection;
    throw new AmiActionError('closed', `AMI action ${name} was not sent: there is no connection to Asterisk.`);
  }

  #connect(): void {
    const visit = this.#open(false);
    this.#visit = visit;
    const { connection } = visit;
    this.#login(visit).catch((error: unknown) => connection.close(failureOf(connection.where, error)));
  }

  #open(renews: boolean): Visit {
    const { host, port, tls, clock, connectTimeoutMs } = this.#options;
    const number = ++this.#connections;
    const connection = new AmiConnection(
      { host, port, tls, clock, number, connectTimeoutMs, hold: this.#hold },
      {
        onEvent: (packet, at) => this.#event(visit, packet, at),
        onFrame: (raw, at) => this.#handlers.onFrame?.(raw, at),
        onFault: (subject, text) => this.#handlers.onFault?.(subject, text),
        onClosed: (failure) => this.#closed(visit, failure),
      },
    );
    const visit = visitOf(connection, renews);
    return visit;
  }

  async #login(visit: Visit): Promise<void> {
    const { bootDeadlineMs, clock } = this.#options;
    visit.greeting = await visit.connection.greeting();
    const over = () => visit !== this.#visit;
    await this.#pace.turn(over, (cancel) => {
      visit.cancel = cancel;
    });
    if (over()) return;
    await this.#authenticate(visit);
    if (over()) return;
    this.#watch(visit);
    if (!this.#announceBooted(visit)) visit.cancel = clock.after(bootDeadlineMs, () => this.#announceUnbooted(visit));
  }

  async #authenticate(visit: Visit): Promise<void> {
    const { username, auth, plainFallback, eventMask, actionDeadlineMs } = this.#options;
    const credentials = { username, secret: await this.#pace.secret(), auth, plainFallback, eventMask };
    await login(visit.connection, credentials, actionDeadlineMs);
    visit.loggedIn = true;
  }

  #event(visit: Visit, packet: AmiPacket, receivedAt: number): void {
    const takeover = this.#takeover;
    if (visit === takeover?.next) takeover.hold(packet, receivedAt);
    if (visit !== this.#visit) return;
    if (visit === takeover?.before && takeover.heard(packet, receivedAt)) return;
    const booted = packet.get('Event') === 'FullyBooted';
    if (visit.held === null) {
      if (booted) this.#link.note('boot', null);
      if (booted && visit.renews) return;
      this.#handlers.onPacket(packet, receivedAt);
      return;
    }
    visit.held.push([packet, receivedAt]);
    visit.heldBytes += packet.raw.length;
    if (!visit.loggedIn) return;
    if (booted) this.#announce(visit, packet);
    else if (visit.held.length >= MAX_HELD || visit.heldBytes >= MAX_HELD_BYTES) this.#announceUnbooted(visit);
  }

  /** `FullyBooted` often comes in one piece with the answer to the login, that is before the login is known here. */
  #announceBooted(visit: Visit): boolean {
    const booted = visit.held?.find(([packet]) => packet.get('Event') === 'FullyBooted')?.[0];
    if (booted !== undefined) this.#announce(visit, booted);
    return booted !== undefined;
  }

  /** It has had its time. */
  #announceUnbooted(visit: Visit): void {
    this.#announce(visit, null);
    this.#link.note('boot', noFullyBooted(visit.connection.where, this.#options.bootDeadlineMs));
  }

  #announce(visit: Visit, fullyBooted: AmiPacket | null): void {
    const held = visit.held ?? [];
    visit.cancel();
    visit.held = null;
    this.#link.up();
    const { greeting, connection } = visit;
    connection.handle('beginning', () => this.#handlers.onConnected({ greeting, fullyBooted }));
    if (this.#handlers.onPong !== undefined) this.#ping(visit);
    for (const [packet, receivedAt] of held) {
      if (visit === this.#visit) connection.handle(packet, () => this.#handlers.onPacket(packet, receivedAt));
    }
  }

  #watch(visit: Visit): void {
    const { clock, pingIntervalMs, pingDeadlineMs } = this.#options;
    const { connection } = visit;
    visit.cancelPulse = watchPulse(clock, pingIntervalMs, pingDeadlineMs, {
      heardAt: () => connection.heardAt,
      bytes: () => connection.bytes,
      ping: () => this.#ping(visit),
      onDead: (silentMs) => connection.close(halfOpen(connection.where, silentMs)),
    });
  }

  #ping(visit: Visit): void {
    const { clock, pingDeadlineMs } = this.#options;
    visit.connection
      .action('Ping', [], pingDeadlineMs)
      .then((answer) => {
        if (visit === this.#visit) this.#handlers.onPong?.(answer, clock.now());
      })
      .catch(() => {});
  }

  #closed(visit: Visit, failure: LinkFailure): void {
    end(visit);
    visit.over = true;
    if (visit !== this.#visit) return;
    if (visit === this.#takeover?.before) this.#stay();
    // Events of a connection that broke between login and FullyBooted happened all the same.
    if (visit.held !== null && visit.loggedIn) this.#announce(visit, null);
    end(visit);
    this.#visit = null;
    const { orderly } = visit.connection;
    const [greeted, loggedIn] = [visit.greeting !== '', visit.held === null];
    // Asterisk ends a connection that does not log in; that is no news while the login is held back.
    const waiting = this.#pace.waiting && greeted && !loggedIn && failure.kind === 'network';
    this.#link.down({
      step: failure.kind === 'network' ? 'lose' : 'refuse',
      ...this.#pace.ended(failure, { greeted, loggedIn, orderly }),
      problem: waiting ? null : failure.message,
      ...(failure.kind === 'login' ? { secretRefused: true } : {}),
    });
    const silentMs = failure.silent ? this.#options.clock.monotonic() - visit.connection.heardAt : 0;
    if (!loggedIn) return;
    visit.connection.handle('end', () => this.#handlers.onLost(failure.message, orderly, silentMs));
  }
}
