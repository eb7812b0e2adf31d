-- Calls that are not posted as their extension has no user in the CRM: parked, or skipped where the config says so. Each names the
-- extension that it was held back for, which facts that come later may change.
CREATE TABLE no_user (
  id        INTEGER PRIMARY KEY, -- of the row of the outbox
  state     TEXT NOT NULL,
  extension TEXT NOT NULL,
  domain    TEXT NOT NULL        -- '': none, or not known
) STRICT;

-- So many of each extension. Kept by triggers, in the transaction of each change.
CREATE TABLE no_user_count (
  extension TEXT NOT NULL,
  domain    TEXT NOT NULL,
  state     TEXT NOT NULL,
  n         INTEGER NOT NULL,
  PRIMARY KEY (extension, domain, state)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER no_user_came AFTER INSERT ON no_user
BEGIN
  INSERT INTO no_user_count (extension, domain, state, n) VALUES (NEW.extension, NEW.domain, NEW.state, 1)
  ON CONFLICT (extension, domain, state) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER no_user_left AFTER DELETE ON no_user
BEGIN
  UPDATE no_user_count SET n = n - 1 WHERE extension = OLD.extension AND domain = OLD.domain AND state = OLD.state;
  DELETE FROM no_user_count WHERE extension = OLD.extension AND domain = OLD.domain AND state = OLD.state AND n <= 0;
END;

CREATE VIEW held_for_no_user AS
SELECT d.id, d.state, s.json ->> '$.responsible' AS extension, coalesce(s.json ->> '$.agentDomain', '') AS domain
FROM delivery d JOIN session s ON s.call_session_id = d.session_id
WHERE d.state IN ('parked', 'skipped') AND d.code IN ('no-user', 'skip-no-user') AND extension IS NOT NULL;

INSERT INTO no_user (id, state, extension, domain) SELECT id, state, extension, domain FROM held_for_no_user;

CREATE TRIGGER delivery_came_no_user AFTER INSERT ON delivery WHEN NEW.code IN ('no-user', 'skip-no-user')
BEGIN
  INSERT INTO no_user (id, state, extension, domain) SELECT id, state, extension, domain FROM held_for_no_user WHERE id = NEW.id;
END;

CREATE TRIGGER delivery_moved_no_user AFTER UPDATE OF state, code ON delivery
WHEN OLD.code IN ('no-user', 'skip-no-user') OR NEW.code IN ('no-user', 'skip-no-user')
BEGIN
  DELETE FROM no_user WHERE id = OLD.id;
  INSERT INTO no_user (id, state, extension, domain) SELECT id, state, extension, domain FROM held_for_no_user WHERE id = NEW.id;
END;

CREATE TRIGGER delivery_gone_no_user AFTER DELETE ON delivery WHEN OLD.code IN ('no-user', 'skip-no-user')
BEGIN
  DELETE FROM no_user WHERE id = OLD.id;
END;
