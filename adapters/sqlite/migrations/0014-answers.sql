-- The most frequent sentences of each reason: where those of one are many, they no longer hide those of another.
DROP INDEX delivery_reason_by_count;
CREATE INDEX delivery_reason_by_code ON delivery_reason (coalesce(code, 'other'), n) WHERE state = 'parked';
