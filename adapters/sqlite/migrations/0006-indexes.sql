-- Nothing that the daemon or an operator asks for reads all that is stored: indexes for each order that is asked for, and kept
-- counts for what `status` tells. An index holds only the rows that are looked for by it, so that a call on the usual way
-- (pending, then skipped or delivered) is written into few.

DROP INDEX delivery_due;
DROP INDEX delivery_again;
DROP INDEX delivery_open;
DROP INDEX delivery_by_state;
DROP INDEX delivery_by_end;

-- As in `session`: calls in a state are listed in the order of their begin.
ALTER TABLE delivery ADD COLUMN started_at INTEGER NOT NULL DEFAULT 0;
UPDATE delivery SET started_at = (SELECT started_at FROM session WHERE call_session_id = session_id);
CREATE INDEX delivery_by_state ON delivery (state, started_at, session_id);

-- For the next wake-up.
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at > 0 AND step IS NOT NULL;
-- Claimed by due time; and what failed before, by its failures.
CREATE INDEX delivery_check ON delivery (failed, due_at) WHERE step = 'check';
CREATE INDEX delivery_update ON delivery (failed, due_at) WHERE step = 'update';
CREATE INDEX delivery_again ON delivery (step, failures, due_at) WHERE failed = 1;
-- The oldest call that waits, beside those in `delivery_waiting`.
CREATE INDEX delivery_open ON delivery (ended_at) WHERE state IN ('retrying', 'sending', 'uncertain');
-- What may be forgotten, the oldest first.
CREATE INDEX delivery_done ON delivery (ended_at) WHERE state IN ('delivered', 'skipped');

-- Finds a call by the end of its id. Ids end in a number that grows with the calls, so new ones go side by side into the index.
CREATE INDEX session_by_id_end ON session (substr(call_session_id, -6));

-- The longest call that was ever stored, ms: calls that ended after a moment began no earlier than this before it.
CREATE TABLE longest_session (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  ms INTEGER NOT NULL
) STRICT;

INSERT INTO longest_session (id, ms) SELECT 1, coalesce(max(ended_at - started_at), 0) FROM session;

CREATE TRIGGER session_stored AFTER INSERT ON session
WHEN NEW.ended_at - NEW.started_at > (SELECT ms FROM longest_session)
BEGIN
  UPDATE longest_session SET ms = NEW.ended_at - NEW.started_at;
END;

CREATE TRIGGER session_corrected AFTER UPDATE OF started_at, ended_at ON session
WHEN NEW.ended_at - NEW.started_at > (SELECT ms FROM longest_session)
BEGIN
  UPDATE longest_session SET ms = NEW.ended_at - NEW.started_at;
END;

-- Rows of the outbox: in each state, and `update`, those that wait for this step. Kept by triggers, in the transaction of each change.
CREATE TABLE delivery_count (
  name TEXT PRIMARY KEY,
  n    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Why rows are parked or skipped. `span`: of skipped rows the ten minutes in which their call ended, since the epoch, so that those
-- of a day can be told; of parked rows 0.
CREATE TABLE delivery_reason (
  state  TEXT NOT NULL,
  span   INTEGER NOT NULL,
  reason TEXT NOT NULL,
  n      INTEGER NOT NULL,
  PRIMARY KEY (state, span, reason)
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_reason_by_count ON delivery_reason (n) WHERE state = 'parked';

INSERT INTO delivery_count (name, n)
SELECT value, (SELECT count(*) FROM delivery WHERE state = value)
FROM json_each('["pending", "retrying", "sending", "uncertain", "delivered", "parked", "skipped"]')
UNION ALL SELECT 'update', (SELECT count(*) FROM delivery WHERE step = 'update');

INSERT INTO delivery_reason (state, span, reason, n)
SELECT state, iif(state = 'skipped', ended_at / 600000, 0) AS span, coalesce(reason, '') AS why, count(*)
FROM delivery WHERE state IN ('parked', 'skipped') GROUP BY state, span, why;

CREATE TRIGGER delivery_came AFTER INSERT ON delivery
BEGIN
  UPDATE delivery_count SET n = n + 1 WHERE name = NEW.state;
END;

CREATE TRIGGER delivery_moved AFTER UPDATE OF state ON delivery WHEN OLD.state <> NEW.state
BEGIN
  UPDATE delivery_count SET n = n - 1 WHERE name = OLD.state;
  UPDATE delivery_count SET n = n + 1 WHERE name = NEW.state;
END;

CREATE TRIGGER delivery_gone AFTER DELETE ON delivery
BEGIN
  UPDATE delivery_count SET n = n - 1 WHERE name = OLD.state;
END;

CREATE TRIGGER delivery_came_update AFTER INSERT ON delivery WHEN NEW.step IS 'update'
BEGIN
  UPDATE delivery_count SET n = n + 1 WHERE name = 'update';
END;

CREATE TRIGGER delivery_moved_update AFTER UPDATE OF step ON delivery WHEN (OLD.step IS 'update') <> (NEW.step IS 'update')
BEGIN
  UPDATE delivery_count SET n = n + iif(NEW.step IS 'update', 1, -1) WHERE name = 'update';
END;

CREATE TRIGGER delivery_gone_update AFTER DELETE ON delivery WHEN OLD.step IS 'update'
BEGIN
  UPDATE delivery_count SET n = n - 1 WHERE name = 'update';
END;

CREATE TRIGGER delivery_came_reason AFTER INSERT ON delivery WHEN NEW.state IN ('parked', 'skipped')
BEGIN
  INSERT INTO delivery_reason (state, span, reason, n)
  VALUES (NEW.state, iif(NEW.state = 'skipped', NEW.ended_at / 600000, 0), coalesce(NEW.reason, ''), 1)
  ON CONFLICT (state, span, reason) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER delivery_left_reason AFTER UPDATE OF state, reason ON delivery
WHEN OLD.state IN ('parked', 'skipped') AND (OLD.state <> NEW.state OR OLD.reason IS NOT NEW.reason)
BEGIN
  UPDATE delivery_reason SET n = n - 1
  WHERE state = OLD.state AND span = iif(OLD.state = 'skipped', OLD.ended_at / 600000, 0) AND reason = coalesce(OLD.reason, '');
END;

CREATE TRIGGER delivery_took_reason AFTER UPDATE OF state, reason ON delivery
WHEN NEW.state IN ('parked', 'skipped') AND (OLD.state <> NEW.state OR OLD.reason IS NOT NEW.reason)
BEGIN
  INSERT INTO delivery_reason (state, span, reason, n)
  VALUES (NEW.state, iif(NEW.state = 'skipped', NEW.ended_at / 600000, 0), coalesce(NEW.reason, ''), 1)
  ON CONFLICT (state, span, reason) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER delivery_gone_reason AFTER DELETE ON delivery WHEN OLD.state IN ('parked', 'skipped')
BEGIN
  UPDATE delivery_reason SET n = n - 1
  WHERE state = OLD.state AND span = iif(OLD.state = 'skipped', OLD.ended_at / 600000, 0) AND reason = coalesce(OLD.reason, '');
END;

CREATE TRIGGER delivery_reason_gone AFTER UPDATE OF n ON delivery_reason WHEN NEW.n <= 0
BEGIN
  DELETE FROM delivery_reason WHERE state = NEW.state AND span = NEW.span AND reason = NEW.reason;
END;
