-- Delivery as steps on leased rows. A row waits for its step, is leased to one worker while the step runs, and each step has
-- attempts of its own. Times are milliseconds since the Unix epoch, UTC; due times and leases are of the clock of this boot
-- (see `boot_clock`), which does not step; a due time of 0 is always over.

CREATE TABLE delivery_by_step (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id        TEXT NOT NULL REFERENCES session (call_session_id),
  destination       TEXT NOT NULL DEFAULT 'leadsquared',
  state             TEXT NOT NULL DEFAULT 'pending' CHECK (
    state IN ('pending', 'retrying', 'sending', 'uncertain', 'delivered', 'parked', 'skipped')),
  step              TEXT DEFAULT 'look-up' CHECK (step IN ('look-up', 'post', 'check', 'update')), -- NULL: nothing to do
  intent            TEXT NOT NULL DEFAULT 'live' CHECK (intent IN ('live', 'replay')),
  ended_at          INTEGER NOT NULL,
  due_at            INTEGER NOT NULL,
  lease_owner       TEXT, -- the life of a process that runs the step now
  lease_until       INTEGER,
  reason            TEXT,
  look_up_attempts  INTEGER NOT NULL DEFAULT 0, -- failures of the row's own, which count against the maximum
  post_attempts     INTEGER NOT NULL DEFAULT 0,
  check_attempts    INTEGER NOT NULL DEFAULT 0,
  update_attempts   INTEGER NOT NULL DEFAULT 0,
  failures          INTEGER NOT NULL DEFAULT 0, -- of this step in a row, whosever fault: the pause grows with them
  failed            INTEGER NOT NULL GENERATED ALWAYS AS ( -- 1: before, at this step; goes behind the others
    state = 'retrying' OR (step IS 'check' AND (failures > 0 OR post_attempts > 1))
    OR (step IS 'update' AND failures > 0)) VIRTUAL,
  tries             INTEGER NOT NULL DEFAULT 0, -- posts ever begun
  doubtful          INTEGER NOT NULL DEFAULT 0, -- 1: an earlier post may have arrived
  lead_id           TEXT,
  user_id           TEXT,
  activity_id       TEXT,
  body              TEXT, -- of the last post
  sent_revision     INTEGER, -- session.revision of the last post
  sent_facts        TEXT, -- what the last post said about recording and duration
  posted_facts      TEXT, -- what the CRM has
  first_attempt_at  INTEGER,
  last_attempt_at   INTEGER,
  delivered_at      INTEGER,
  created_at        INTEGER NOT NULL,
  updated_at        INTEGER NOT NULL,
  UNIQUE (session_id, destination),
  CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) STRICT;

INSERT INTO delivery_by_step (id, session_id, state, step, intent, ended_at, due_at, reason, post_attempts, update_attempts,
  tries, doubtful, lead_id, user_id, activity_id, body, sent_revision, sent_facts, posted_facts, first_attempt_at,
  delivered_at, created_at, updated_at)
SELECT id, session_id,
  CASE state WHEN 'resolving' THEN 'pending' WHEN 'sending' THEN 'uncertain' ELSE state END,
  CASE
    WHEN state IN ('pending', 'resolving', 'retrying') THEN 'look-up'
    WHEN state IN ('sending', 'uncertain') THEN 'check'
    WHEN state = 'delivered' AND update_due_at IS NOT NULL THEN 'update'
  END,
  intent, ended_at,
  CASE WHEN state = 'delivered' THEN coalesce(update_due_at, 0) ELSE due_at END,
  CASE state WHEN 'sending' THEN 'The program stopped before the answer came.' ELSE reason END,
  attempts, 0, tries, CASE state WHEN 'sending' THEN 1 ELSE doubtful END, lead_id, user_id, activity_id, body,
  sent_revision, sent_facts, posted_facts, first_attempt_at, delivered_at, created_at, updated_at
FROM delivery;

CREATE TABLE attempt_of_step (
  delivery_id    INTEGER NOT NULL REFERENCES delivery_by_step (id) ON DELETE CASCADE,
  number         INTEGER NOT NULL,
  step           TEXT NOT NULL CHECK (step IN ('look-up', 'post', 'check', 'update')),
  trigger_       TEXT NOT NULL CHECK (trigger_ IN ('live', 'retry', 'replay')),
  permit         INTEGER,
  permit_wait_ms INTEGER,
  started_at     INTEGER NOT NULL,
  finished_at    INTEGER,
  body           TEXT,
  body_hash      TEXT, -- SHA-256 of the body, hex
  outcome        TEXT,
  http           INTEGER,
  exception      TEXT,
  message        TEXT,
  answer         TEXT,
  duration_ms    INTEGER,
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

INSERT INTO attempt_of_step
SELECT delivery_id, number,
  CASE trigger_ WHEN 'verify' THEN 'check' WHEN 'update' THEN 'update' ELSE 'post' END,
  CASE trigger_ WHEN 'retry' THEN 'retry' WHEN 'replay' THEN 'replay' ELSE 'live' END,
  slot, slot_wait_ms, started_at, coalesce(finished_at, started_at), body, body_hash,
  coalesce(outcome, 'interrupted'), http, exception, coalesce(message, 'The program stopped before the answer came.'), answer,
  duration_ms
FROM attempt;

-- Facts that change after the post are noticed by the program now, in the transaction that stores them.
DROP TRIGGER delivery_late_facts;
DROP TABLE attempt;
DROP TABLE delivery;
ALTER TABLE delivery_by_step RENAME TO delivery;
ALTER TABLE attempt_of_step RENAME TO attempt;

-- In the order of the calls, for the claim; and by due time, for what waits and for the next wake-up. The step goes first: any
-- number of rows may wait at a step that is not claimed now.
CREATE INDEX delivery_waiting ON delivery (step, intent, ended_at) WHERE state = 'pending';
CREATE INDEX delivery_due ON delivery (step, failed, due_at) WHERE step IS NOT NULL;
CREATE INDEX delivery_again ON delivery (step, failed, failures) WHERE step IS NOT NULL;
CREATE INDEX delivery_leased ON delivery (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX delivery_open ON delivery (ended_at) WHERE state NOT IN ('delivered', 'parked', 'skipped');
CREATE INDEX delivery_by_state ON delivery (state, reason);
CREATE INDEX delivery_by_end ON delivery (ended_at);
CREATE INDEX delivery_by_activity ON delivery (activity_id) WHERE activity_id IS NOT NULL;

-- The clock of due times and leases: monotonic ms of a boot, plus what the wall clock was ahead at the first start in it.
CREATE TABLE boot_clock (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  boot     TEXT NOT NULL,
  ahead_ms INTEGER NOT NULL
) STRICT;

-- Requests that may have started: at most up to this monotonic ms of this boot, made by this life of a process.
CREATE TABLE permit (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  boot  TEXT NOT NULL,
  owner TEXT NOT NULL,
  until REAL NOT NULL
) STRICT;

-- Processes that were given fewer permits than they asked for, and when (monotonic ms of that boot).
CREATE TABLE permit_short (
  owner TEXT PRIMARY KEY,
  boot  TEXT NOT NULL,
  at    REAL NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO permit (boot, owner, until) SELECT boot, '', until FROM slot;
DROP TABLE slot;
