/** Asterisk as an event source: the AMI client, the list of live channels after each connect, and the normaliser. */
import type { EventSource, SourceFrame, SourceState, SourceStatus } from '../../src/ports.ts';
import { AmiActionError } from './actions.ts';
import { AmiClient, type AmiClientOptions } from './client.ts';
import { isKnownEvent, normalise } from './normalise.ts';
import type { AmiPacket } from './packet.ts';

export interface AsteriskSourceOptions extends AmiClientOptions {
  readonly name: string;
  /** The exact bytes of every packet, wanted or not, for `logcalld capture`. */
  readonly onRaw?: (raw: Uint8Array, receivedAt: number) => void;
}

/** Events that every call has, whatever is filtered: where none of these comes, the user lacks rights. */
const CALL_EVENTS = new Set(['Newchannel', 'Newstate', 'Hangup', 'BridgeEnter', 'BridgeLeave', 'DialBegin', 'DialEnd']);

/** How long to wait before the live channels are listed again while no call event has come, ms. */
const DOUBT_MS = 60_000;

/** Actions that list the live channels; the first tells the DID and the bridge too. */
const LISTS = ['Status', 'CoreShowChannels'];

export function createAsteriskSource(options: AsteriskSourceOptions): EventSource {
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
    onLost(reason, orderly) {
      const at = clock.now();
      const events = [{ kind: 'source-lost', source: name, at, receivedAt: at, orderly, reason }] as const;
      emit({ source: name, receivedAt: at, events, raw: null });
    },
    onState: enter,
    ...(options.onRaw === undefined ? {} : { onFrame: options.onRaw }),
  });

  /** Asks for the live channels. The items come through `onPacket` like any other event. */
  async function resynchronise(): Promise<void> {
    for (const action of LISTS) {
      try {
        const list = await client.listAction(action);
        rights.listed(list.items);
        if (status.state !== 'connected') return;
        if (rights.missing()) enter('connected', noCallRights(name, options.username));
        cancelDoubt();
        if (rights.inDoubt()) cancelDoubt = clock.after(DOUBT_MS, () => resynchroniseAgain());
        return;
      } catch (error) {
        if (!(error instanceof AmiActionError) || error.failure !== 'refused') return;
      }
    }
    if (status.state === 'connected') enter('connected', noListRights(name, options.username));
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
      cancelDoubt();
      return client.close();
    },
    status: () => status,
  };
}

/**
 * AMI does not tell which events a user may read, and sends a user without the class `call` nothing at all. What gives it
 * away: the lists of live channels differ from one minute to the next although no event about a channel has come.
 */
function rightsCheck() {
  let callEvents = 0;
  let listed: ReadonlySet<string> | null = null;
  let missing = false;
  return {
    see(event: string): void {
      if (CALL_EVENTS.has(event)) callEvents += 1;
    },
    /** True while nothing has shown yet that the rights are there. */
    inDoubt: (): boolean => callEvents === 0,
    listed(items: readonly AmiPacket[]): void {
      const now = new Set(items.map((item) => item.get('Uniqueid') ?? ''));
      const changed = listed !== null && (now.size !== listed.size || [...now].some((id) => listed?.has(id) !== true));
      if (callEvents === 0 && changed) missing = true;
      listed = now;
    },
    missing: (): boolean => missing && callEvents === 0,
  };
}

function noCallRights(source: string, username: string): string {
  return `Asterisk "${source}" has calls but sends no events about them: give the AMI user "${username}" the class "call" (read = system,call,agent,cdr,user in manager.conf, then "manager reload").`;
}

function noListRights(source: string, username: string): string {
  return `Asterisk "${source}" does not let the AMI user "${username}" list channels: calls that were going on before the connection are not seen. Add write = reporting in manager.conf, then "manager reload".`;
}
