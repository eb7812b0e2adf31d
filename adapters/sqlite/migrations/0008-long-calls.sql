-- Calls of more than two days are a few, such as one of a PBX whose clock was wrong at its begin. They are found by an index of their
-- own, and say nothing about how long before a moment other calls began that ended after it.
CREATE INDEX session_long ON session (started_at, call_session_id) WHERE ended_at - started_at > 172800000;

DROP TRIGGER session_stored;
DROP TRIGGER session_corrected;

UPDATE longest_session
SET ms = (SELECT coalesce(max(ended_at - started_at), 0) FROM session WHERE ended_at - started_at <= 172800000);

CREATE TRIGGER session_stored AFTER INSERT ON session
WHEN NEW.ended_at - NEW.started_at > (SELECT ms FROM longest_session) AND NEW.ended_at - NEW.started_at <= 172800000
BEGIN
  UPDATE longest_session SET ms = NEW.ended_at - NEW.started_at;
END;

CREATE TRIGGER session_corrected AFTER UPDATE OF started_at, ended_at ON session
WHEN NEW.ended_at - NEW.started_at > (SELECT ms FROM longest_session) AND NEW.ended_at - NEW.started_at <= 172800000
BEGIN
  UPDATE longest_session SET ms = NEW.ended_at - NEW.started_at;
END;
