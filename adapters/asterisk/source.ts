/** Asterisk as an event source: the AMI client, the list of live channels after each connect, and the normaliser. */
import type { EndpointLister, EventSource, SourceFrame, SourceState, SourceStatus } from '../../src/ports.ts';
import { listEndpoints } from './endpoints.ts';
import { isKnownEvent, normalise } from './events/normalise.ts';
import { AmiClient } from './link/client.ts';
import type { AmiClientOptions } from './link/client-options.ts';
import { noCallRights, noListRights, rightsCheck } from './link/rights.ts';
import { createLister, cutList, noList } from './snapshot/listing.ts';

export interface AsteriskSourceOptions extends AmiClientOptions {
  readonly name: string;
  /** The exact bytes of every packet, wanted or not, for `logcalld capture`. */
  readonly onRaw?: (raw: Uint8Array, receivedAt: number) => void;
  /** Something the administrator should know, one sentence. */
  readonly onWarning?: (text: string) => void;
}

/** How long to wait before the live channels are listed again while no call event has come, ms. */
const DOUBT_MS = 60_000;

export function createAsteriskSource(options: AsteriskSourceOptions): EventSource & EndpointLister {
  const { name, clock } = options;
  let emit: (frame: SourceFrame) => void = () => {};
  let status: SourceStatus = {
    name,
    state: 'connecting',
    since: clock.now(),
    problem: null,
    frames: 0,
    unknownEvents: 0,
    lastFrameAt: null,
  };
  const rights = rightsCheck();
  let cancelDoubt: () => void = () => {};
  let tell: (status: SourceStatus) => void = () => {};

  const enter = (state: SourceState, problem: string | null): void => {
    const since = state === status.state ? status.since : clock.now();
    const news = state !== status.state || problem !== status.problem;
    status = { ...status, state, problem, since };
    if (news) tell(status);
  };

  const client = new AmiClient(options, {
    onPacket(packet, receivedAt) {
      const event = packet.get('Event') ?? '';
      const unknown = isKnownEvent(event) ? 0 : 1;
      status = {
        ...status,
        frames: status.frames + 1,
        unknownEvents: status.unknownEvents + unknown,
        lastFrameAt: receivedAt,
      };
      rights.see(event);
      lister.see(event);
      if (status.problem === noCallRights(name, options.username) && !rights.missing()) enter('connected', null);
      const events = normalise(packet, name, receivedAt);
      if (events.length > 0) emit({ source: name, receivedAt, events, raw: packet.raw });
    },
    onConnected({ fullyBooted }) {
      if (fullyBooted === null) {
        const at = clock.now();
        const events = [
          { kind: 'source-connected', source: name, at, receivedAt: at, boot: null, bootedAt: null },
        ] as const;
        emit({ source: name, receivedAt: at, events, raw: null });
      }
      resynchroniseAgain();
    },
    onLost(reason, orderly, silentMs) {
      lister.cancel();
      cancelDoubt();
      // A dead link was heard for the last time before it was noticed: that is when calls were last known to live.
      const receivedAt = clock.now();
      const at = receivedAt - silentMs;
      const events = [{ kind: 'source-lost', source: name, at, receivedAt, orderly, reason }] as const;
      emit({ source: name, receivedAt, events, raw: null });
    },
    onState: enter,
    onFault: tally((text) => options.onWarning?.(text)),
    ...(options.onRaw === undefined ? {} : { onFrame: options.onRaw }),
  });

  const lister = createLister(clock, {
    listAction: (action, fields, deadlineMs) => client.listAction(action, fields, deadlineMs),
    packets: () => status.frames,
  });

  /** Asks for the live channels. The items come through `onPacket` like any other event. */
  async function resynchronise(): Promise<void> {
    const listing = await lister.ask();
    if (status.state !== 'connected') return;
    if (listing.kind === 'silent') client.reconnect(noList(name));
    if (listing.kind === 'cut') enter('connected', cutList(name));
    if (listing.kind === 'refused') enter('connected', noListRights(name, options.username));
    if (listing.kind !== 'listed') return;
    if (listing.items !== null) rights.listed(listing.items);
    if (rights.missing()) enter('connected', noCallRights(name, options.username));
    cancelDoubt();
    if (rights.inDoubt()) cancelDoubt = clock.after(DOUBT_MS, () => resynchroniseAgain());
  }

  function resynchroniseAgain(): void {
    resynchronise().catch((error: unknown) => enter(status.state, `Asterisk "${name}": ${String(error)}`));
  }

  return {
    name,
    start(onFrame, onStatus) {
      emit = onFrame;
      tell = onStatus ?? tell;
      client.start();
    },
    stop() {
      lister.cancel();
      cancelDoubt();
      return client.close();
    },
    status: () => status,
    endpoints: () => listEndpoints(client, options.username),
  };
}

/** Tells the first, the tenth, the hundredth, so that a fault of every packet does not fill the log. */
function tally(tell: (text: string) => void): (text: string) => void {
  let count = 0;
  return (text) => {
    count += 1;
    if (count === 1) tell(`${text} Further ones are counted.`);
    else if (/^10+$/.test(String(count))) tell(`${text} That makes ${count}.`);
  };
}
