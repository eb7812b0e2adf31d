-- 1: an operator named this very call when he sent it again, so what the config leaves out does not hold it back.
ALTER TABLE delivery ADD COLUMN named INTEGER NOT NULL DEFAULT 0;
