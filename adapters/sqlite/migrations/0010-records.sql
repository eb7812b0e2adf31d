-- When the PBX listed all of its channels last, at the end of a gap or before, ms since the epoch, UTC; NULL: it did not, or that was
-- not noted. What its records tell no end of, and what is not in that list, was over by then.
ALTER TABLE gap ADD COLUMN listed_at INTEGER;

-- Numbers that were erased, without naming them: HMAC-SHA-256 with the key of this database. The PBX may still have records of their
-- calls, which are not taken in again.
CREATE TABLE erasure_key (
  id  INTEGER PRIMARY KEY CHECK (id = 1),
  key BLOB NOT NULL
) STRICT;

INSERT INTO erasure_key (id, key) VALUES (1, randomblob(32));

CREATE TABLE erasure (
  digits   BLOB NOT NULL,    -- of the national digits
  whole    BLOB NOT NULL,    -- of the number in E.164 form; empty: it was not known
  length   INTEGER NOT NULL, -- how many national digits it has
  up_to    INTEGER NOT NULL, -- calls that began by then are erased, ms since the epoch, UTC, on our clock
  PRIMARY KEY (digits, whole)
) STRICT, WITHOUT ROWID;
