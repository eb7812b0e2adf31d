-- When a PBX was not heard, and what its own records said of that time. Times are ms since the epoch, UTC, on our clock.

-- The last moment at which each PBX is known to have been heard, with everything heard before it stored.
CREATE TABLE heard (
  source    TEXT PRIMARY KEY,
  at        INTEGER NOT NULL,
  ahead_ms  INTEGER NOT NULL, -- how far the clock of the PBX is ahead of ours
  own_times INTEGER NOT NULL  -- 1: the times of its calls are its own
) STRICT, WITHOUT ROWID;

-- One row for each stretch of time. The states are those of `src/records/gaps.ts`.
CREATE TABLE gap (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  source     TEXT NOT NULL,
  began_at   INTEGER NOT NULL, -- last proof of hearing
  ended_at   INTEGER,          -- the first complete list of channels after it; NULL: not heard yet
  reason     TEXT NOT NULL,
  live       INTEGER NOT NULL, -- calls that were going on when it began
  state      TEXT NOT NULL CHECK (state IN ('open', 'waiting', 'filled', 'unfilled')),
  filled_to  TEXT,             -- how far each place of records has been read, JSON: name -> ms on the clock of the PBX
  created    INTEGER NOT NULL DEFAULT 0, -- calls of which only the records told
  completed  INTEGER NOT NULL DEFAULT 0, -- calls heard in part, completed by the records
  skipped    INTEGER NOT NULL DEFAULT 0, -- records that could not be used
  note       TEXT,             -- why it is not filled, or not wholly
  settled_at INTEGER,
  checked    INTEGER NOT NULL DEFAULT 0 -- 1: the records were read once more, some minutes later
) STRICT;

CREATE INDEX gap_of_source ON gap (source, began_at);
CREATE INDEX gap_unsettled ON gap (source) WHERE state IN ('open', 'waiting');

-- Calls that were going on in a gap wait for the PBX's own record before they are posted: the source, else NULL.
ALTER TABLE delivery ADD COLUMN awaits TEXT;
CREATE INDEX delivery_awaiting ON delivery (awaits) WHERE awaits IS NOT NULL;
