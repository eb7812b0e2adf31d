-- The journal: what the PBXs said, which channels belong to open calls, and the calls that ended.
-- Times are milliseconds since the Unix epoch, UTC.

CREATE TABLE frame (
  id          INTEGER PRIMARY KEY,
  source      TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  raw         BLOB -- the exact bytes; NULL when there were none or they were pruned
) STRICT;

CREATE INDEX frame_by_source ON frame (source, received_at);
CREATE INDEX frame_by_time ON frame (received_at);
CREATE INDEX frame_with_raw ON frame (id) WHERE raw IS NOT NULL;

-- How many bytes of raw frames are kept, so that the cap need not read them.
CREATE TABLE raw_total (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  bytes INTEGER NOT NULL
) STRICT;

INSERT INTO raw_total (id, bytes) VALUES (1, 0);

CREATE TABLE event (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice, also after pruning
  frame_id    INTEGER NOT NULL REFERENCES frame (id),
  source      TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  kind        TEXT NOT NULL,
  channel     TEXT, -- NULL: about the source as a whole
  json        TEXT NOT NULL
) STRICT;

CREATE INDEX event_by_frame ON event (frame_id);
CREATE INDEX event_by_channel ON event (source, channel) WHERE channel IS NOT NULL;
CREATE INDEX event_by_time ON event (received_at);
CREATE INDEX event_of_source ON event (source, kind) WHERE channel IS NULL;

-- Channels of calls that have not ended: their events fold into the live state after a restart.
CREATE TABLE open_channel (
  source  TEXT NOT NULL,
  channel TEXT NOT NULL,
  PRIMARY KEY (source, channel)
) STRICT, WITHOUT ROWID;

-- For each source the first event that is needed to fold its open calls again: the connection under which they began,
-- else the first event of an open call. Without open calls: the last connection.
-- CROSS JOIN makes SQLite begin with the few open channels.
CREATE VIEW refold_start AS
WITH heard AS (
  SELECT DISTINCT source FROM event WHERE channel IS NULL
  UNION
  SELECT DISTINCT source FROM open_channel
), oldest AS MATERIALIZED (
  SELECT heard.source, (
    SELECT min(event.seq)
    FROM open_channel
    CROSS JOIN event ON event.source = open_channel.source AND event.channel = open_channel.channel
    WHERE open_channel.source = heard.source
  ) AS seq
  FROM heard
)
SELECT oldest.source, coalesce((
    SELECT max(event.seq)
    FROM event
    WHERE event.source = oldest.source AND event.channel IS NULL AND event.kind = 'source-connected'
      AND (oldest.seq IS NULL OR event.seq <= oldest.seq)
  ), oldest.seq) AS seq
FROM oldest;

-- One row for each finished call. `json` is the whole CallRecord; the columns repeat what is searched.
CREATE TABLE session (
  call_session_id   TEXT PRIMARY KEY,
  revision          INTEGER NOT NULL, -- 1 when new, one more for each change of its facts
  source            TEXT NOT NULL,
  direction         TEXT NOT NULL,
  status            TEXT NOT NULL,
  external          TEXT,
  external_e164     TEXT,
  external_reversed TEXT, -- digits of the number from the last to the first: finds a number by its end
  did               TEXT,
  did_e164          TEXT,
  trunk             TEXT,
  queue             TEXT,
  agent             TEXT,
  started_at        INTEGER NOT NULL,
  answered_at       INTEGER,
  ended_at          INTEGER NOT NULL,
  duration_seconds  INTEGER NOT NULL,
  talk_seconds      INTEGER NOT NULL,
  recording         TEXT,
  json              TEXT NOT NULL,
  created_at        INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL
) STRICT;

CREATE INDEX session_by_start ON session (started_at, call_session_id);
CREATE INDEX session_by_number ON session (external_reversed);
