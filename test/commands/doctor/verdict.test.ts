/** What `doctor` makes of what it found: its last sentence, and what is left of a report when it cannot be made. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Finding } from '../../../src/commands/check/finding.ts';
import { verdict } from '../../../src/commands/doctor/doctor.ts';
import { openBundle } from '../../../src/commands/doctor/support.ts';
import { masked } from '../../../src/commands/output.ts';
import { shortFolder } from '../../support/folder.ts';

function verdictOf(levels: readonly Finding['level'][], whole = true, more: Partial<Finding> = {}): string {
  let out = '';
  const terminal = { out: (text: string) => (out += text), error: () => {} };
  const told = levels.map((level) => ({ check: level, finding: { level, about: 'x', text: 'y', ...more } }));
  const failed = new Map(levels.filter((level) => level === 'FAIL').map((level) => [level, 'work' as const]));
  verdict(told, { failed }, whole, terminal);
  return out.trim();
}

t.test('all is well only where all was looked at', async (t) => {
  t.equal(verdictOf(['ok', 'info', 'ok']), 'All is well.');
  t.equal(verdictOf(['info'], true, { unproven: true }), 'All that was seen is well. Not proven: x.');
  const rest = 'Nothing keeps it from working.';
  t.equal(verdictOf(['ok', 'skip']), `0 FAIL, 0 warn, 1 check skipped. ${rest}`);
  t.equal(verdictOf(['ok', 'skip', 'warn', 'skip']), `0 FAIL, 1 warn, 2 checks skipped. ${rest}`);
  t.equal(verdictOf(['ok'], false), '0 FAIL, 0 warn. Nothing that was looked at keeps it from working.');
  t.equal(verdictOf(['ok', 'warn']), `0 FAIL, 1 warn. ${rest}`);
  t.match(verdictOf(['FAIL', 'skip']), /^1 FAIL, 0 warn, 1 check skipped\. Begin with the first FAIL/);
});

t.test('a report that was not made leaves no file in its place', async (t) => {
  const path = join(shortFolder(t), 'report.txt');
  openBundle(path).discard('This user may not.');
  t.notOk(existsSync(path));
  const bundle = openBundle(path);
  bundle.write('the report');
  bundle.discard('what comes afterwards');
  t.equal(readFileSync(path, 'utf8'), 'the report', 'so the next one can be made');
});

t.test('what is to be typed stays as it is', async (t) => {
  const commands = ['sudo less /var/log/asterisk/cdr-csv/Master.csv-20261122'];
  t.same(masked({ found: 'from 9845012345', commands }), { found: 'from ***2345', commands });
});
