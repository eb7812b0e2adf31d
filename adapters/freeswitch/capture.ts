/** Reads the frames of a FreeSWITCH capture file. */
import type { CallEvent } from '../../src/telephony/call-event.ts';
import { normalise } from './events/normalise.ts';
import { bodyText, parseFrameText } from './link/codec.ts';
import { eventOf, readEvent, readJson } from './link/event.ts';
import { rowEvent, snapshotEvents } from './snapshot/snapshot.ts';

/**
 * Events of one captured frame: an event, the greeting with which every connection begins, or the answer to
 * `show channels as json` or `uuid_dump`. None for a frame that cannot be read.
 */
export function readEslFrame(raw: Uint8Array, source: string, receivedAt: number): readonly CallEvent[] {
  const frame = parseFrameText(raw);
  switch (frame.contentType) {
    case 'auth/request':
      return [{ kind: 'source-connected', source, at: receivedAt, receivedAt, boot: null, bootedAt: null }];
    case 'text/event-json':
    case 'text/event-plain': {
      const reading = readEvent(frame);
      return 'event' in reading ? normalise(reading.event, source, receivedAt) : [];
    }
    case 'api/response':
      return answerEvents(bodyText(frame), source, receivedAt);
    default:
      return [];
  }
}

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

/** Rows of a `show ... as json` answer, none when the list is empty: FreeSWITCH then leaves `rows` out. */
function rowsOf(body: string): readonly unknown[] | null {
  const value: unknown = JSON.parse(body);
  if (typeof value !== 'object' || value === null || !('row_count' in value)) return null;
  return 'rows' in value && Array.isArray(value.rows) ? value.rows : [];
}
