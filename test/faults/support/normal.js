/**
 * Makes every database of the process wait for no disk: for the one test that must lose calls by that. Loaded with `--import`, which
 * holds in its threads, too.
 */
import BetterSqlite3 from 'better-sqlite3';

const { pragma } = BetterSqlite3.prototype;
BetterSqlite3.prototype.pragma = function normal(text, ...rest) {
  return pragma.call(this, text.replace(/^synchronous = \w+$/, 'synchronous = NORMAL'), ...rest);
};
