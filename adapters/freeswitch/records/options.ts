/** What each place of FreeSWITCH's own records has to be told. */

/** A folder of mod_json_cdr. */
export interface JsonCdrOptions {
  /** For messages, e.g. `json_cdr of pbx1`. */
  readonly name: string;
  /** The folders `log-dir` and `err-log-dir` of `json_cdr.conf.xml`; with one of them, both are the same. Folders in them are read, too. */
  readonly folders: readonly string[];
  /** Name of the source whose calls they are. */
  readonly source: string;
  /** ms since the epoch, UTC; the machine's clock where absent. */
  readonly now?: () => number;
}

/**
 * One statement of PostgreSQL with `$1`, `$2` ... for its parameters; all values as the text that PostgreSQL prints. Rejects when the
 * database cannot be asked.
 */
export type PgQuery = (
  sql: string,
  params: readonly (string | number)[],
) => Promise<readonly Readonly<Record<string, string | null>>[]>;

/** The table `v_xml_cdr` of FusionPBX. */
export interface FusionPbxOptions {
  /** For messages, e.g. `PostgreSQL fusionpbx (v_xml_cdr)`. */
  readonly name: string;
  readonly query: PgQuery;
  /** Ends the connections behind `query`; nothing is ended where absent. */
  readonly close?: () => Promise<void>;
  /** Name of the source whose calls they are. */
  readonly source: string;
  /** The domain (tenant) whose rows are read, e.g. `sip.example.com`; all domains where absent. */
  readonly domain?: string;
  /** ms since the epoch, UTC; the machine's clock where absent. */
  readonly now?: () => number;
}

/** A file of mod_cdr_csv. */
export interface CsvOptions {
  /** For messages, e.g. `/var/log/freeswitch/cdr-csv/Master.csv`. */
  readonly name: string;
  /** `Master.csv`, or the file of one account code; those that FreeSWITCH has rotated lie beside it and are read, too. */
  readonly file: string;
  /** Name of the source whose calls they are. */
  readonly source: string;
  /**
   * The template of `cdr_csv.conf.xml` by which the lines are written, as it stands there: `"${uuid}","${direction}",...`. Where
   * absent, the templates that FreeSWITCH ships are told from the lines themselves.
   */
  readonly template?: string;
  /** Zone of the local times in the file, e.g. `Asia/Kolkata`; this machine's where absent. Templates with `_epoch` do not need it. */
  readonly timeZone?: string;
  /** ms since the epoch, UTC; the machine's clock where absent. */
  readonly now?: () => number;
}
