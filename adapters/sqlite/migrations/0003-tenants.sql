-- On a PBX with several tenants an extension is only unique within its domain; '': none, or from before this version.
CREATE TABLE extension_of_domain (
  extension TEXT NOT NULL,
  domain    TEXT NOT NULL,
  calls     INTEGER NOT NULL,
  last_at   INTEGER NOT NULL,
  user_id   TEXT,
  PRIMARY KEY (extension, domain)
) STRICT, WITHOUT ROWID;

INSERT INTO extension_of_domain (extension, domain, calls, last_at, user_id)
SELECT extension, '', calls, last_at, user_id FROM extension_seen;

DROP TABLE extension_seen;
ALTER TABLE extension_of_domain RENAME TO extension_seen;
