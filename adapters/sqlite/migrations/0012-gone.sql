-- Calls that were stored and are no more, as the number was erased or they are kept no longer, without naming them: HMAC-SHA-256 of the
-- id with `erasure_key`. The journal or the records of the PBX may still tell of them; they are not stored again.
CREATE TABLE gone (
  call     BLOB PRIMARY KEY,
  ended_at INTEGER NOT NULL  -- ms since the epoch, UTC
) STRICT, WITHOUT ROWID;

CREATE INDEX gone_by_end ON gone (ended_at);
