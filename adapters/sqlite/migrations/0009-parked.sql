-- Why a call is parked or skipped, as a code that can be typed; and which parked calls an operator has taken note of.
ALTER TABLE delivery ADD COLUMN code TEXT;

CREATE TABLE acknowledgement (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  number INTEGER NOT NULL, -- of the last one; 0: there was none
  at     INTEGER           -- ms since the epoch, UTC
) STRICT;

INSERT INTO acknowledgement (id, number) VALUES (1, 0);

-- Reasons that were kept as sentences alone. Few differ, so the sentences are read, not the rows.
ALTER TABLE delivery_reason ADD COLUMN code TEXT;

UPDATE delivery_reason SET code = CASE
  WHEN reason LIKE 'No user: no agent%' THEN 'no-agent'
  WHEN reason LIKE 'No user:%rederive%' THEN 'outside-phone'
  WHEN reason LIKE 'No user:%' THEN 'no-user'
  WHEN reason LIKE 'No lead has this number%' THEN 'no-lead'
  WHEN reason LIKE '%leads have this number; policy%' THEN 'several-leads'
  WHEN reason LIKE '%policy anonymous =%' THEN 'no-number'
  WHEN reason LIKE '%refused the lead lookup%' THEN 'lookup-refused'
  WHEN reason LIKE 'The users of % are not known yet%' THEN 'users-unknown'
  WHEN reason LIKE '%this is a defect, please report it%' THEN 'defect'
  WHEN reason LIKE 'Given up after % lookups:%' THEN 'lookup-failed'
  WHEN reason LIKE 'Given up after % attempts:%' THEN 'post-failed'
  WHEN reason LIKE 'It is not known whether%cannot be asked (%' THEN 'check-impossible'
  WHEN reason LIKE 'It is not known whether%could not be asked%' THEN 'check-failed'
  WHEN reason LIKE 'It is not known whether%' THEN 'check-held'
  WHEN reason LIKE '%rejects this request%' THEN 'rejected'
  ELSE 'other' END
WHERE state = 'parked';

UPDATE delivery_reason SET code = CASE
  WHEN reason LIKE 'Internal call%' THEN 'skip-internal'
  WHEN reason LIKE 'The call ended more than%' THEN 'skip-old'
  WHEN reason LIKE 'Filter:%' THEN 'skip-filter'
  WHEN reason LIKE 'The other party is one of our own%' THEN 'skip-own-number'
  WHEN reason LIKE '%policy anonymous =%' THEN 'skip-no-number'
  WHEN reason LIKE 'No lead has%' THEN 'skip-no-lead'
  WHEN reason LIKE 'No user:%' THEN 'skip-no-user' END
WHERE state = 'skipped';

-- Calls that wait for somebody. Those that were skipped keep their sentence alone, which finds them as well.
UPDATE delivery SET code = (SELECT code FROM delivery_reason WHERE state = 'parked' AND span = 0 AND reason = coalesce(delivery.reason, ''))
WHERE state = 'parked';

-- The parked rows, each with the last acknowledgement before it was parked. Kept by triggers, as are the counts.
CREATE TABLE parked (
  id     INTEGER PRIMARY KEY, -- of the row of the outbox
  number INTEGER NOT NULL
) STRICT;

INSERT INTO parked (id, number) SELECT id, 0 FROM delivery WHERE state = 'parked';

-- Parked rows by their code; `fresh`: those that were parked after the last acknowledgement.
CREATE TABLE parked_count (
  code  TEXT PRIMARY KEY,
  n     INTEGER NOT NULL,
  fresh INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO parked_count (code, n, fresh)
SELECT coalesce(code, 'other') AS why, count(*), count(*) FROM delivery WHERE state = 'parked' GROUP BY why;

CREATE TRIGGER delivery_came_parked AFTER INSERT ON delivery WHEN NEW.state = 'parked'
BEGIN
  INSERT INTO parked (id, number) SELECT NEW.id, number FROM acknowledgement;
  INSERT INTO parked_count (code, n, fresh) VALUES (coalesce(NEW.code, 'other'), 1, 1)
  ON CONFLICT (code) DO UPDATE SET n = n + 1, fresh = fresh + 1;
END;

CREATE TRIGGER delivery_took_parked AFTER UPDATE OF state ON delivery WHEN NEW.state = 'parked' AND OLD.state <> 'parked'
BEGIN
  INSERT INTO parked (id, number) SELECT NEW.id, number FROM acknowledgement;
  INSERT INTO parked_count (code, n, fresh) VALUES (coalesce(NEW.code, 'other'), 1, 1)
  ON CONFLICT (code) DO UPDATE SET n = n + 1, fresh = fresh + 1;
END;

CREATE TRIGGER delivery_left_parked AFTER UPDATE OF state ON delivery WHEN OLD.state = 'parked' AND NEW.state <> 'parked'
BEGIN
  UPDATE parked_count SET n = n - 1,
    fresh = fresh - EXISTS (SELECT 1 FROM parked p JOIN acknowledgement a ON a.number = p.number WHERE p.id = OLD.id)
  WHERE code = coalesce(OLD.code, 'other');
  DELETE FROM parked WHERE id = OLD.id;
END;

CREATE TRIGGER delivery_gone_parked AFTER DELETE ON delivery WHEN OLD.state = 'parked'
BEGIN
  UPDATE parked_count SET n = n - 1,
    fresh = fresh - EXISTS (SELECT 1 FROM parked p JOIN acknowledgement a ON a.number = p.number WHERE p.id = OLD.id)
  WHERE code = coalesce(OLD.code, 'other');
  DELETE FROM parked WHERE id = OLD.id;
END;

CREATE TRIGGER parked_count_gone AFTER UPDATE OF n ON parked_count WHEN NEW.n <= 0
BEGIN
  DELETE FROM parked_count WHERE code = NEW.code;
END;

-- As before, with the code.
DROP TRIGGER delivery_came_reason;
DROP TRIGGER delivery_took_reason;

CREATE TRIGGER delivery_came_reason AFTER INSERT ON delivery WHEN NEW.state IN ('parked', 'skipped')
BEGIN
  INSERT INTO delivery_reason (state, span, reason, n, code)
  VALUES (NEW.state, iif(NEW.state = 'skipped', NEW.ended_at / 600000, 0), coalesce(NEW.reason, ''), 1, NEW.code)
  ON CONFLICT (state, span, reason) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER delivery_took_reason AFTER UPDATE OF state, reason ON delivery
WHEN NEW.state IN ('parked', 'skipped') AND (OLD.state <> NEW.state OR OLD.reason IS NOT NEW.reason)
BEGIN
  INSERT INTO delivery_reason (state, span, reason, n, code)
  VALUES (NEW.state, iif(NEW.state = 'skipped', NEW.ended_at / 600000, 0), coalesce(NEW.reason, ''), 1, NEW.code)
  ON CONFLICT (state, span, reason) DO UPDATE SET n = n + 1;
END;
