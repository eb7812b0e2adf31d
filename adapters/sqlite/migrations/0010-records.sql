-- When the PBX listed all of its channels last, at the end of a gap or before, ms since the epoch, UTC; NULL: it did not, or that was
-- not noted. What its records tell no end of, and what is not in that list, was over by then.
ALTER TABLE gap ADD COLUMN listed_at INTEGER;
