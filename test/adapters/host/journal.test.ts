import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { SecretError } from '../../../adapters/host/credentials.ts';
import { errorEntries, goesToJournal } from '../../../adapters/host/journal.ts';
import { reportError } from '../../../src/commands/terminal.ts';

t.test('the journal is told by device and inode, not by the variable alone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'logcalld-'));
  const fd = openSync(join(folder, 'stream'), 'w');
  t.teardown(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  const { dev, ino } = fstatSync(fd);
  t.equal(goesToJournal(fd, { JOURNAL_STREAM: `${dev}:${ino}` }), true);
  t.equal(goesToJournal(fd, { JOURNAL_STREAM: `${dev}:${ino + 1}` }), false);
  t.equal(goesToJournal(fd, {}), false);
  t.equal(goesToJournal(9999, { JOURNAL_STREAM: '1:1' }), false);
});

t.test('an error is an entry with its priority for each line, elsewhere it is text', async (t) => {
  const line = { time: '1970-01-01T00:00:01.000Z', level: 'error', event: 'not-done' };
  t.equal(
    errorEntries('one\n\n  two "2"\n', 1000),
    `<3>${JSON.stringify({ ...line, text: 'one' })}\n<3>${JSON.stringify({ ...line, text: 'two "2"' })}\n`,
  );
  let told = '';
  const terminal = { out: () => {}, error: (text: string) => (told += text) };
  t.equal(reportError(new SecretError('f.toml:1: wrong'), { ...terminal, journal: true }), 78);
  t.match(told, /^<3>\{.*"text":"f\.toml:1: wrong"\}\n$/);
  told = '';
  reportError(new Error('no'), terminal);
  t.equal(told, 'logcalld: no\n');
});
