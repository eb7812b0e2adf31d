/** FreeSWITCH as an event source: the ESL client, the list of live channels after each connect, and the normaliser. */
import type { EventSource, SourceFrame, SourceState, SourceStatus } from '../../src/ports.ts';
import { EslClient, type EslClientOptions } from './client.ts';
import { normalise } from './normalise.ts';
import { dumpChannel, listChannels } from './queries.ts';
import { snapshotEvents } from './snapshot.ts';

export interface FreeswitchSourceOptions extends EslClientOptions {
  readonly name: string;
  /** The exact bytes of every frame, for `logcalld capture`. */
  readonly onRaw?: (raw: Uint8Array, receivedAt: number) => void;
  /** Something the administrator should change, one sentence. */
  readonly onWarning?: (text: string) => void;
}

export function createFreeswitchSource(options: FreeswitchSourceOptions): EventSource {
  const { name, clock } = options;
  let emit: (frame: SourceFrame) => void = () => {};
  let tell: (status: SourceStatus) => void = () => {};
  let state: SourceState = 'connecting';
  let problem: string | null = null;
  let since = clock.now();

  const client = new EslClient(options, {
    onEvent(event, frame, receivedAt) {
      const events = normalise(event, name, receivedAt);
      if (events.length > 0) emit({ source: name, receivedAt, events, raw: frame.raw });
    },
    onConnected({ coreUuid, bootedAt }) {
      const at = clock.now();
      const events = [
        { kind: 'source-connected', source: name, at, receivedAt: at, boot: coreUuid, bootedAt },
      ] as const;
      emit({ source: name, receivedAt: at, events, raw: null });
      resynchronise().catch((error: unknown) => {
        // The link went down meanwhile: the next connection asks again.
        options.onWarning?.(
          `FreeSWITCH "${name}" did not list its channels: ${error instanceof Error ? error.message : String(error)}`,
        );
      });
    },
    onLost(reason, orderly) {
      const at = clock.now();
      const events = [{ kind: 'source-lost', source: name, at, receivedAt: at, orderly, reason }] as const;
      emit({ source: name, receivedAt: at, events, raw: null });
    },
    onState(next, why) {
      if (next !== state) since = clock.now();
      state = next;
      problem = why;
      tell(status());
    },
    ...(options.onRaw === undefined ? {} : { onFrame: options.onRaw }),
    ...(options.onWarning === undefined ? {} : { onWarning: options.onWarning }),
  });

  /** Events come already, so a channel created meanwhile may be told twice; the fold takes that. */
  async function resynchronise(): Promise<void> {
    for (const row of await listChannels(client)) {
      const uuid = row.get('uuid');
      const dump = uuid === undefined ? null : await dumpChannel(client, uuid);
      if (dump === null) continue;
      const receivedAt = clock.now();
      emit({ source: name, receivedAt, events: snapshotEvents(dump.event, name, receivedAt), raw: dump.frame.raw });
    }
    const at = clock.now();
    emit({
      source: name,
      receivedAt: at,
      events: [{ kind: 'snapshot-complete', source: name, at, receivedAt: at }],
      raw: null,
    });
  }

  const status = (): SourceStatus => {
    const { frames, unknownEvents, lastFrameAt } = client.counters();
    return { name, state, since, problem, frames, unknownEvents, lastFrameAt };
  };

  return {
    name,
    start(onFrame, onStatus) {
      emit = onFrame;
      tell = onStatus ?? tell;
      client.start();
    },
    stop: () => client.close(),
    status,
  };
}
