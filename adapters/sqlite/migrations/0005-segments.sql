-- The journal as segments: what a PBX said, frame after frame as it came, with nothing stored for each event. Each group commit
-- makes a row of `hot_segment` for each PBX; a while later these are joined and compressed into `segment`. The layout of `data`
-- is in `journal/frames.ts`. Frames of a source are numbered; a number is never used twice. Times are ms since the epoch, UTC.
-- What the tables of before hold is brought over by `journal/convert.ts`, which then drops them.

CREATE TABLE hot_segment (
  id        INTEGER PRIMARY KEY, -- in the order of the commits; no further index, so that a commit touches one place
  source    TEXT NOT NULL,
  seq       INTEGER NOT NULL, -- number of the first frame
  frames    INTEGER NOT NULL,
  first_at  INTEGER NOT NULL, -- the earliest and the latest arrival
  last_at   INTEGER NOT NULL,
  size      INTEGER NOT NULL, -- bytes of the frames
  packed    INTEGER NOT NULL, -- 1: `data` is compressed (zstd)
  data      BLOB NOT NULL
) STRICT;

CREATE TABLE segment (
  id        INTEGER PRIMARY KEY,
  source    TEXT NOT NULL,
  seq       INTEGER NOT NULL,
  frames    INTEGER NOT NULL,
  first_at  INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,
  size      INTEGER NOT NULL,
  bytes     INTEGER NOT NULL, -- of `data`
  data      BLOB NOT NULL, -- always compressed
  UNIQUE (source, seq)
) STRICT;

CREATE INDEX segment_by_time ON segment (source, last_at, first_at, seq);
CREATE INDEX segment_by_age ON segment (last_at, bytes);

-- The connections that may be needed to fold the open calls again: the one under which the oldest of them began, and later ones.
CREATE TABLE connection (
  source TEXT NOT NULL,
  seq    INTEGER NOT NULL, -- as of an open channel
  event  TEXT NOT NULL, -- the CallEvent as JSON
  PRIMARY KEY (source, seq)
) STRICT, WITHOUT ROWID;

DROP VIEW refold_start;
ALTER TABLE open_channel RENAME TO open_channel_v4;

-- Channels of calls that have not ended: what was said of them folds into the live state after a restart.
CREATE TABLE open_channel (
  source  TEXT NOT NULL,
  channel TEXT NOT NULL,
  seq     INTEGER NOT NULL, -- nothing was said of it before this frame
  PRIMARY KEY (source, channel)
) STRICT, WITHOUT ROWID;
