-- Delivery: one row for each finished call on its way to the CRM, its attempts, and what delivery remembers.
-- Times are milliseconds since the Unix epoch, UTC, unless named monotonic; a due time of 0 is always over.
-- The facts of the call are in `session`.

CREATE TABLE delivery (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id       TEXT NOT NULL UNIQUE REFERENCES session (call_session_id),
  state            TEXT NOT NULL DEFAULT 'pending' CHECK (
    state IN ('pending', 'resolving', 'sending', 'delivered', 'retrying', 'uncertain', 'parked', 'skipped')),
  intent           TEXT NOT NULL DEFAULT 'live' CHECK (intent IN ('live', 'replay')),
  ended_at         INTEGER NOT NULL,
  due_at           INTEGER NOT NULL,
  reason           TEXT,
  attempts         INTEGER NOT NULL DEFAULT 0, -- those that count against the maximum
  tries            INTEGER NOT NULL DEFAULT 0, -- all
  doubtful         INTEGER NOT NULL DEFAULT 0, -- 1: an earlier post may have arrived
  lead_id          TEXT,
  user_id          TEXT,
  activity_id      TEXT,
  body             TEXT, -- of the last post
  sent_revision    INTEGER, -- session.revision of the last post
  sent_facts       TEXT, -- what the last post said about recording and duration
  posted_facts     TEXT, -- what the CRM has
  update_due_at    INTEGER, -- set while late facts wait to be sent
  update_tries     INTEGER NOT NULL DEFAULT 0,
  first_attempt_at INTEGER,
  delivered_at     INTEGER,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL
) STRICT;

-- In the order of the calls, for the claim; and by due time, for the next wake-up.
CREATE INDEX delivery_waiting ON delivery (intent, ended_at) WHERE state IN ('pending', 'retrying');
CREATE INDEX delivery_due ON delivery (state, due_at) WHERE state IN ('pending', 'retrying');
CREATE INDEX delivery_uncertain ON delivery (due_at) WHERE state = 'uncertain';
CREATE INDEX delivery_open ON delivery (ended_at) WHERE state NOT IN ('delivered', 'parked', 'skipped');
CREATE INDEX delivery_by_state ON delivery (state, reason);
CREATE INDEX delivery_by_end ON delivery (ended_at);
CREATE INDEX delivery_update ON delivery (update_due_at) WHERE update_due_at IS NOT NULL;

-- Facts that change after the post are noticed in the very transaction that stores them.
CREATE TRIGGER delivery_late_facts AFTER UPDATE OF revision ON session
BEGIN
  UPDATE delivery SET update_due_at = 0, update_tries = 0
  WHERE session_id = NEW.call_session_id AND state = 'delivered';
END;

CREATE TABLE attempt (
  delivery_id  INTEGER NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
  number       INTEGER NOT NULL,
  trigger_     TEXT NOT NULL CHECK (trigger_ IN ('live', 'retry', 'replay', 'verify', 'update')),
  slot         INTEGER,
  slot_wait_ms INTEGER,
  started_at   INTEGER NOT NULL,
  finished_at  INTEGER,
  body         TEXT,
  body_hash    TEXT, -- SHA-256 of the body, hex
  outcome      TEXT,
  http         INTEGER,
  exception    TEXT,
  message      TEXT,
  answer       TEXT,
  duration_ms  INTEGER,
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

-- Requests that may have started: at most up to this monotonic ms of this boot.
CREATE TABLE slot (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  boot  TEXT NOT NULL,
  until REAL NOT NULL
) STRICT;

CREATE TABLE limiter (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  boot       TEXT NOT NULL,
  day        TEXT NOT NULL, -- UTC
  used_today INTEGER NOT NULL
) STRICT;

CREATE TABLE lead_cache (
  number TEXT PRIMARY KEY,
  lead   TEXT, -- NULL: nobody has the number
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX lead_cache_by_age ON lead_cache (at);

-- Small things remembered: the number format that works, the CRM's users, what the limiter learned.
CREATE TABLE delivery_memory (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE extension_seen (
  extension TEXT PRIMARY KEY,
  calls     INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,
  user_id   TEXT
) STRICT, WITHOUT ROWID;
