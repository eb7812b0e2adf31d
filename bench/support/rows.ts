/** Events as version 0.1 kept them: a row for each frame, one for each event, and seven indexes. */
import BetterSqlite3 from 'better-sqlite3';
import type { SourceFrame } from '../../src/ports.ts';
import { channelOf } from '../../src/telephony/call-event.ts';
import { storedBytes } from './journal.ts';

const SCHEMA = `
CREATE TABLE frame (id INTEGER PRIMARY KEY, source TEXT NOT NULL, received_at INTEGER NOT NULL, raw BLOB) STRICT;
CREATE INDEX frame_by_source ON frame (source, received_at);
CREATE INDEX frame_by_time ON frame (received_at);
CREATE INDEX frame_with_raw ON frame (id) WHERE raw IS NOT NULL;
CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, frame_id INTEGER NOT NULL REFERENCES frame (id), source TEXT NOT NULL,
  received_at INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, channel TEXT, json TEXT NOT NULL) STRICT;
CREATE INDEX event_by_frame ON event (frame_id);
CREATE INDEX event_by_channel ON event (source, channel) WHERE channel IS NOT NULL;
CREATE INDEX event_by_time ON event (received_at);
CREATE INDEX event_of_source ON event (source, kind) WHERE channel IS NULL;`;

export interface OldRows {
  /** One durable transaction. */
  commit(frames: readonly SourceFrame[]): void;
  /** Size of the file, all of it written. */
  bytes(): number;
  close(): void;
}

export function oldRows(path: string): OldRows {
  const db = new BetterSqlite3(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec(SCHEMA);
  const addFrame = db.prepare('INSERT INTO frame (source, received_at, raw) VALUES (?, ?, ?)');
  const addEvent = db.prepare(
    'INSERT INTO event (frame_id, source, received_at, at, kind, channel, json) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const commit = db.transaction((frames: readonly SourceFrame[]): void => {
    for (const { source, receivedAt, raw, events } of frames) {
      const { lastInsertRowid } = addFrame.run(source, Math.floor(receivedAt), raw);
      for (const event of events) {
        const times = [Math.floor(event.receivedAt), Math.floor(event.at)];
        addEvent.run(lastInsertRowid, event.source, ...times, event.kind, channelOf(event), JSON.stringify(event));
      }
    }
  });
  return {
    commit,
    bytes: () => storedBytes(path),
    close: () => void db.close(),
  };
}
