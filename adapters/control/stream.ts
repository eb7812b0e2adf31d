/** Answers that go on until one side ends them: lines of JSON, for commands that watch. */
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { CallRecord } from '../../src/call/record.ts';
import type { DeliveryState, Step } from '../../src/delivery/states.ts';
import type { CallEvent, ChannelId } from '../../src/telephony/call-event.ts';

export const streams = {
  tail: z.strictObject({
    source: z.string().max(64).optional(),
    /** With the frames as the PBX sent them. */
    raw: z.boolean(),
  }),
};

export type StreamName = keyof typeof streams;
export type StreamOf<N extends StreamName> = z.infer<(typeof streams)[N]>;

/** One line of `tail`. Times: ms since the epoch. */
export type TailLine =
  /** A call that goes on when the watching begins, and its channels that do. */
  | { readonly live: CallRecord; readonly channels: readonly ChannelId[] }
  | {
      readonly frame: {
        readonly source: string;
        readonly at: number;
        readonly events: readonly CallEvent[];
        readonly raw: string | null;
      };
    }
  /** It is stored. `unposted`: why it is not to be posted; `null`: it is. */
  | { readonly ended: CallRecord; readonly unposted: string | null }
  | {
      readonly step: {
        readonly record: CallRecord;
        readonly at: number;
        /** The step that was done. */
        readonly from: Step | null;
        readonly to: DeliveryState;
        readonly reason: string | null;
        /** Of a look-up that is done: the lead, `null` when none has the number. */
        readonly lead?: string | null | undefined;
      };
    }
  /** So many lines were left out, as they were not taken in time. */
  | { readonly dropped: number };

/** Each begins an answer and gives back what ends it. A line is made only when there is room for it. */
export type StreamHandlers = {
  readonly [N in StreamName]: (input: StreamOf<N>, send: (line: () => string) => void) => () => void;
};

/** Bytes that wait for a reader; what comes while there are more is left out. */
const MAX_WAITING = 256 * 1024;

/** Sends what `begin` tells until the reader goes or `end` is called; then `over` resolves. Throws as `begin` does. */
export function streamTo(
  response: ServerResponse,
  begin: (send: (line: () => string) => void) => () => void,
): { readonly over: Promise<void>; end(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let dropped = 0;
  const isOver = (): boolean => response.destroyed || response.writableEnded;
  const tellDropped = (): void => {
    if (dropped === 0 || isOver()) return;
    response.write(`${JSON.stringify({ dropped } satisfies TailLine)}\n`);
    dropped = 0;
  };
  // Sent with the first line: what fails before is answered as any other request.
  response.setHeader('content-type', 'application/x-ndjson; charset=utf-8');
  response.setHeader('connection', 'close');
  const stop = begin((line) => {
    // Its end may wait for the reader as well.
    if (isOver()) return;
    if (response.writableLength > MAX_WAITING) {
      dropped += 1;
      return;
    }
    tellDropped();
    response.write(`${line()}\n`);
  });
  response.flushHeaders();
  response.on('drain', tellDropped);
  response.once('close', () => {
    stop();
    resolve();
  });
  return { over: promise, end: () => response.end() };
}
