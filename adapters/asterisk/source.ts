/** Asterisk as an event source: the AMI client, the list of live channels after each connect, and the normaliser. */
import { Faults } from '../../src/link/faults.ts';
import { PbxClock } from '../../src/link/pbx-clock.ts';
import type { Deaf, EndpointLister, EventSource, ProbedSource, SourceFrame, SourceStatus } from '../../src/ports.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { listEndpoints } from './endpoints.ts';
import { isKnownEvent, normalise } from './events/normalise.ts';
import { deafTo, deafToQueues } from './hearing/advice.ts';
import { Counts } from './hearing/counts.ts';
import { Hearing, isCallEvent } from './hearing/hearing.ts';
import { createProbe } from './hearing/probe.ts';
import { QueueHearing } from './hearing/queues.ts';
import { AmiClient } from './link/client.ts';
import type { AmiClientOptions } from './link/client-options.ts';
import type { AmiPacket } from './link/packet.ts';
import { Absent, APART_MS, type Asked } from './snapshot/absent.ts';
import { createLister, cutList, type Listing, noList, noListRights, oddList, slowList } from './snapshot/listing.ts';

export interface AsteriskSourceOptions extends AmiClientOptions {
  readonly name: string;
  /** The exact bytes of every packet, wanted or not, for `logcalld capture`. */
  readonly onRaw?: (raw: Uint8Array, receivedAt: number) => void;
  /** Something the administrator should know, one sentence. */
  readonly onWarning?: (text: string) => void;
}

/** How long to wait before the live channels are listed again while no call event has come, or the list lacks a part, ms. */
const DOUBT_MS = 60_000;

export function createAsteriskSource(options: AsteriskSourceOptions): EventSource & EndpointLister & ProbedSource {
  const { name, clock } = options;
  let emit: (frame: SourceFrame) => void = () => {};
  let tell: (status: SourceStatus) => void = () => {};
  const heard = { frames: 0, unknownEvents: 0 };
  /** Of a connection that is over. */
  let heardAt: number | null = null;
  let callHeardAt: number | null = null;
  const faults = new Faults((text) => options.onWarning?.(text));
  let cancelDoubt: () => void = () => {};
  const pbxClock = new PbxClock();
  const absent = new Absent();
  /** The list that is being waited for. */
  let asking: symbol | null = null;
  let unwatch = () => {};

  const client = new AmiClient(options, {
    onPacket(packet, receivedAt) {
      const event = packet.get('Event') ?? '';
      heard.frames += 1;
      heard.unknownEvents += isKnownEvent(event) ? 0 : 1;
      // Before anybody is told that it is not deaf any more: until then it was.
      if (isCallEvent(event)) callHeardAt = receivedAt;
      hearing.see(event, packet);
      queues.see(event);
      const events = normalise(packet, name, receivedAt);
      if (events.some(({ kind }) => kind === 'snapshot-complete')) client.note('list', null);
      if (events.length > 0) {
        noteClock(events, receivedAt);
        emit({ source: name, receivedAt, events, raw: packet.raw });
        const steady = clock.monotonic();
        for (const one of events) absent.note(one, steady);
      }
      // Not before it was taken in: until then there is no list.
      lister.see(event);
    },
    onConnected({ fullyBooted }) {
      // First of all, so that whatever becomes of the rest, the live channels are asked for.
      pbxClock.connect();
      absent.begin();
      beginHearing();
      noteDeaf();
      resynchroniseAgain();
      if (fullyBooted !== null) return;
      const at = clock.now();
      const events = [
        { kind: 'source-connected', source: name, at, receivedAt: at, boot: null, bootedAt: null },
      ] as const;
      emit({ source: name, receivedAt: at, events, raw: null });
    },
    onRenewed() {
      beginHearing();
      resynchroniseAgain();
    },
    onLost(reason, orderly, silentMs) {
      endHearing();
      lister.cancel();
      asking = null;
      cancelDoubt();
      // A dead link was heard for the last time before it was noticed: that is when calls were last known to live.
      const receivedAt = clock.now();
      const at = Math.floor(receivedAt - silentMs);
      heardAt = at;
      const events = [{ kind: 'source-lost', source: name, at, receivedAt, orderly, reason }] as const;
      emit({ source: name, receivedAt, events, raw: null });
    },
    onPong(answer, receivedAt) {
      const at = Number(answer.get('Timestamp')) * 1000;
      if (at > 0) pbxClock.answer(at, receivedAt);
    },
    onStatus: () => tell(status()),
    onFault: (subject, text) => faults.add(subject, text),
    ...(options.onRaw === undefined ? {} : { onFrame: options.onRaw }),
  });

  const counts = new Counts({
    action: (action) => client.action(action),
    listAction: (action) => client.listAction(action),
  });
  const hearing = new Hearing({
    clock,
    ask: () => counts.ask(),
    pbxTime: () => (pbxClock.aheadMs === null ? null : clock.now() + pbxClock.aheadMs),
    ping: () => client.ping(),
    renew: (nothingComes) => void client.renew(nothingComes),
    list: () => listAgain(),
    onChange: () => {
      noteDeaf();
      // Also where that is no news for the link, which forgets its notes with each connection.
      tell(status());
    },
  });

  const queues = new QueueHearing({
    clock,
    list: (action, fields, deadlineMs) => client.listAction(action, fields, deadlineMs),
    renew: () => void client.renew(),
    onChange: () => tell(status()),
  });

  function beginHearing(): void {
    counts.begin();
    hearing.begin();
    queues.begin();
  }

  function endHearing(): void {
    hearing.end();
    queues.end();
  }

  const deaf = (): Deaf | null => (hearing.missing === null ? null : deafTo(hearing.missing, name, options.username));

  function noteDeaf(): void {
    client.note('hearing', deaf()?.text ?? null);
  }

  const lister = createLister(clock, {
    listAction: (action, fields, deadlineMs) => client.listAction(action, fields, deadlineMs),
    packets: () => heard.frames,
    waiting: (times) => client.note('list', slowList(name, times)),
  });

  /** Told before the first event that is stamped by the clock as it goes now; without `timestampevents` there is no other. */
  function noteClock([event]: readonly CallEvent[], receivedAt: number): void {
    if (event === undefined || event.at === receivedAt) return;
    const by = pbxClock.read(event.at, receivedAt);
    if (by === 0) return;
    const events = [{ kind: 'clock-stepped', source: name, at: receivedAt, receivedAt, clock: 'pbx', by }] as const;
    emit({ source: name, receivedAt, events, raw: null });
  }

  /** Asks for the live channels. The items come through `onPacket` like any other event. */
  async function resynchronise(own: symbol): Promise<void> {
    const asked = { steady: clock.monotonic(), wall: clock.now() };
    const listing = await lister.ask();
    if (asking === own) asking = null;
    if (client.status.state !== 'connected' || listing.kind === 'gone') return;
    if (listing.kind === 'silent') {
      client.reconnect(noList(name));
      return;
    }
    client.note('list', problemOf(listing));
    if (listing.kind === 'listed') hearing.list(listing.items);
    else if (listing.kind === 'refused') hearing.refuse();
    noteDeaf();
    if (listing.kind === 'listed') endAbsent(listing.items, asked);
    if (absent.inDoubt) later(APART_MS);
    else if (listing.kind === 'cut' || (listing.kind === 'listed' && hearing.inDoubt)) later(DOUBT_MS);
  }

  /** Channels that live no more and whose ends were not told. `items`: as of `Hearing.list`. */
  function endAbsent(items: readonly AmiPacket[] | null, asked: Asked): void {
    if (items === null) return;
    const gone = absent.compare(new Set(items.map((item) => item.get('Uniqueid') ?? '')), asked);
    if (gone.length === 0) return;
    hearing.unended();
    const receivedAt = clock.now();
    const events = gone.map(({ channel, aliveAt }): CallEvent => {
      return { kind: 'vanished', source: name, at: Math.min(aliveAt, receivedAt), receivedAt, channel };
    });
    emit({ source: name, receivedAt, events, raw: null });
    for (const one of events) absent.note(one, asked.steady);
  }

  function problemOf({ kind }: Listing): string | null {
    if (kind === 'refused') return noListRights(name, options.username);
    return kind === 'cut' ? cutList(name) : null;
  }

  function later(ms: number): void {
    cancelDoubt();
    cancelDoubt = clock.after(ms, listAgain);
  }

  /** One list at a time: the one that is under way tells as much. */
  function listAgain(): void {
    if (asking === null) resynchroniseAgain();
  }

  function resynchroniseAgain(): void {
    const own = Symbol('list');
    asking = own;
    resynchronise(own).catch((error: unknown) => {
      if (asking === own) asking = null;
      const why = error instanceof Error ? error.message : String(error);
      client.note('list', oddList(name, why));
      later(DOUBT_MS);
    });
  }

  /** An answered Ping is a sign of life as well as an event. */
  const lastFrameAt = (): number | null => {
    const { silentMs } = client;
    return client.status.state === 'connected' && silentMs !== null ? Math.floor(clock.now() - silentMs) : heardAt;
  };

  const status = (): SourceStatus => {
    const { aheadMs } = pbxClock;
    return {
      name,
      ...client.status,
      ...heard,
      faults: faults.count,
      lastFrameAt: lastFrameAt(),
      aheadMs,
      deaf: deaf(),
      lacking: queues.missing ? deafToQueues(name, options.username) : null,
      callHeardAt,
    };
  };

  return {
    name,
    start(onFrame, onStatus) {
      emit = onFrame;
      tell = onStatus ?? tell;
      unwatch = clock.watch?.((news) => news.kind === 'stepped' && pbxClock.arrivalSet(news.by)) ?? unwatch;
      client.start();
    },
    stop() {
      endHearing();
      lister.cancel();
      cancelDoubt();
      unwatch();
      return client.close();
    },
    status,
    list: () => client.status.state === 'connected' && resynchroniseAgain(),
    hold: (held) => client.hold(held),
    endpoints: () => listEndpoints(client, options.username),
    probe: createProbe(client, name, options.username),
  };
}
