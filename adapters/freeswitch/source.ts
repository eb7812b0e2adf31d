/** FreeSWITCH as an event source: the ESL client, the lists of live channels, and the normaliser. */
import { Faults } from '../../src/link/faults.ts';
import { PbxClock } from '../../src/link/pbx-clock.ts';
import type { EndpointLister, EventSource, ProbedSource, SourceFrame, SourceStatus } from '../../src/ports.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { listEndpoints } from './endpoints.ts';
import { timeOf } from './events/channel.ts';
import { normalise } from './events/normalise.ts';
import { deafTo, Hearing, isCallEvent, lookOf } from './hearing/hearing.ts';
import { createProbe } from './hearing/probe.ts';
import { EslClient } from './link/client.ts';
import type { EslClientOptions } from './link/client-options.ts';
import type { EslEvent } from './link/event.ts';
import { dumpChannel, listChannels } from './snapshot/queries.ts';
import { RollCall } from './snapshot/roll-call.ts';

/** FreeSWITCH tells whole seconds. */
const HALF_SECOND_MS = 500;

export interface FreeswitchSourceOptions extends EslClientOptions {
  readonly name: string;
  /** The exact bytes of every frame, for `logcalld capture`. */
  readonly onRaw?: (raw: Uint8Array, receivedAt: number) => void;
  /** Something the administrator should change, one sentence. */
  readonly onWarning?: (text: string) => void;
}

export function createFreeswitchSource(options: FreeswitchSourceOptions): EventSource & EndpointLister & ProbedSource {
  const { name, clock } = options;
  let onFrame: (frame: SourceFrame) => void = () => {};
  let tell: (status: SourceStatus) => void = () => {};
  const faults = new Faults((text) => options.onWarning?.(text));

  const pbxClock = new PbxClock();
  let unwatch = () => {};
  let callHeardAt: number | null = null;

  /** Told before the first event that is stamped by the clock as it goes now. */
  const noteClock = (event: EslEvent, receivedAt: number): void => {
    const at = timeOf(event, 'Event-Date-Timestamp');
    const by = at === null ? 0 : pbxClock.read(at, receivedAt);
    if (by === 0) return;
    emit([{ kind: 'clock-stepped', source: name, at: receivedAt, receivedAt, clock: 'pbx', by }], null, receivedAt);
  };

  const emit = (events: readonly CallEvent[], raw: Uint8Array | null, receivedAt: number): void => {
    onFrame({ source: name, receivedAt, events, raw });
    // Not before they were taken in: what was not is found by the next lists.
    roll.heard(events);
  };

  // Whoever is told of an event here copies what it keeps.
  const reusing = { ...options, reuse: true };
  const client = new EslClient(reusing, {
    onEvent(event, frame, receivedAt) {
      noteClock(event, receivedAt);
      // Before anybody is told that it is not deaf any more: until then it was.
      if (isCallEvent(event)) callHeardAt = receivedAt;
      hearing.see(event);
      // It tells the end of a leg once more, and is needed only where CHANNEL_HANGUP_COMPLETE did not come.
      if (event.name === 'CHANNEL_DESTROY' && roll.isOver(event.get('Unique-ID') ?? '')) return;
      const events = normalise(event, name, receivedAt);
      if (events.length > 0) emit(events, frame.raw, receivedAt);
    },
    onConnected({ coreUuid, bootedAt }) {
      pbxClock.connect();
      hearing.begin();
      noteDeaf();
      askTime();
      // First of all, so that whatever becomes of the rest, the live channels are asked for.
      roll.begin();
      const at = clock.now();
      emit([{ kind: 'source-connected', source: name, at, receivedAt: at, boot: coreUuid, bootedAt }], null, at);
    },
    onLost(reason, orderly, silentMs) {
      roll.end();
      // Of a dead link it is known when it was heard last: until then calls were seen, not until it was noticed.
      const receivedAt = clock.now();
      const at = Math.floor(receivedAt - silentMs);
      emit([{ kind: 'source-lost', source: name, at, receivedAt, orderly, reason }], null, receivedAt);
    },
    onAlive: (answer) => hearing.look(lookOf(answer)),
    onStatus({ state }) {
      if (state === 'stopped') roll.end();
      tell(status());
    },
    onFault: (subject, text) => faults.add(subject, text),
    ...(options.onRaw === undefined ? {} : { onFrame: options.onRaw }),
    ...(options.onWarning === undefined ? {} : { onWarning: options.onWarning }),
  });

  const hearing = new Hearing({
    clock,
    subscribe: () => client.subscribe(),
    onChange: () => {
      noteDeaf();
      tell(status());
    },
  });
  const deaf = () => (hearing.deaf ? deafTo(name) : null);
  const noteDeaf = () => client.note('hearing', deaf()?.text ?? null);

  const roll = new RollCall({
    source: name,
    clock,
    list: () => listChannels(client),
    dump: (uuid) => dumpChannel(client, uuid),
    emit,
    giveUp: (reason) => client.drop(reason),
    note: (problem) => client.note('list', problem),
    fault: (subject, text) => faults.add(subject, text),
  });

  /** Events tell it as well, but the first one may be long in coming: HEARTBEAT every 20 s. One that does not tell is as before. */
  const askTime = (): void => {
    client
      .api('strepoch')
      .then((answer) => {
        if (/^\d{9,11}$/.test(answer.trim())) pbxClock.answer(Number(answer) * 1000 + HALF_SECOND_MS, clock.now());
      })
      .catch(() => {});
  };

  const status = (): SourceStatus => {
    const { frames, unknownEvents, lastFrameAt } = client.counters();
    const { aheadMs } = pbxClock;
    return {
      name,
      ...client.status,
      frames,
      unknownEvents,
      faults: faults.count,
      lastFrameAt,
      aheadMs,
      deaf: deaf(),
      callHeardAt,
    };
  };

  return {
    name,
    start(toFrame, onStatus) {
      onFrame = toFrame;
      tell = onStatus ?? tell;
      unwatch = clock.watch?.((news) => news.kind === 'stepped' && pbxClock.arrivalSet(news.by)) ?? unwatch;
      client.start();
    },
    stop() {
      unwatch();
      return client.close();
    },
    status,
    list: () => roll.tellAgain(),
    hold: (held) => client.hold(held),
    endpoints: () => listEndpoints(client),
    probe: createProbe((command) => client.api(command), name),
  };
}
