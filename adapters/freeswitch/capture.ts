/** Reads the frames of a FreeSWITCH capture file. */

import { frameReader } from '../../src/capture/reader.ts';
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { normalise } from './events/normalise.ts';
import { bodyText, parseFrameText } from './link/codec.ts';
import { eventOf, readEvent, readJson } from './link/event.ts';
import { rowEvent, rowsOf, snapshotEvents } from './snapshot/snapshot.ts';

/**
 * An event, the greeting with which every connection begins, or the answer to `show channels as json` or `uuid_dump`. Nothing for
 * an answer to another question.
 */
export const readEslFrame = frameReader((raw, source, receivedAt) => {
  const frame = parseFrameText(raw);
  switch (frame.contentType) {
    case 'auth/request':
      return 'greeting';
    case 'text/event-json':
    case 'text/event-plain': {
      const reading = readEvent(frame);
      if ('problem' in reading) throw new Error(reading.problem);
      return normalise(reading.event, source, receivedAt);
    }
    case 'api/response':
      return answerEvents(bodyText(frame), source, receivedAt);
    default:
      return [];
  }
});

function answerEvents(body: string, source: string, receivedAt: number): readonly CallEvent[] {
  const reading = readJson(body);
  if ('problem' in reading) return [];
  if (reading.event.name === 'CHANNEL_DATA') return snapshotEvents(reading.event, source, receivedAt);
  const rows = rowsOf(body);
  if (rows === null) return [];
  const events = rows.map((row) => {
    const event = eventOf(row);
    // `show calls` has pairs in its rows, and no channel that only rings.
    return event === null || event.get('b_uuid') !== undefined ? null : rowEvent(event, source, receivedAt);
  });
  const channels = events.filter((event) => event !== null);
  if (channels.length < rows.length) return [];
  return [...channels, { kind: 'snapshot-complete', source, at: receivedAt, receivedAt }];
}
