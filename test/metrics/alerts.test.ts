/** What promtool (Debian package "prometheus") says of the text of a scrape and of the alert rules; left out where there is none. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { metricsText } from '../../adapters/metrics/text.ts';
import { createHistogram } from '../../src/metrics/counts.ts';
import { FAMILIES } from '../../src/metrics/list.ts';

const PROJECT = join(import.meta.dirname, '..', '..');

function promtool(words: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync('promtool', words, { cwd: PROJECT, input, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

const there = promtool(['--version']).status === 0;
const skip = there ? {} : { skip: 'promtool is not installed' };

t.test('every metric passes its check', skip, async (t) => {
  const histogram = createHistogram([1, 5]);
  const reading = FAMILIES.map((of) => {
    const labels = Object.fromEntries(of.labels.map((label) => [label, 'x']));
    return [of, of.type === 'histogram' ? histogram.distributions() : [{ labels, value: 1 }]] as const;
  });
  t.same(promtool(['check', 'metrics'], await metricsText(new Map(reading))), { status: 0, said: '' });
  const wrong = '# HELP logcalld_calls_ms Calls\n# TYPE logcalld_calls_ms counter\nlogcalld_calls_ms 1\n';
  t.not(promtool(['check', 'metrics'], wrong).status, 0, 'what is wrong is found');
});

t.test('the alert rules are valid, and each fires for what it should and for nothing else', skip, async (t) => {
  t.match(promtool(['check', 'rules', 'config/prometheus-alerts.yml']), { status: 0 });
  const { status, said } = promtool(['test', 'rules', 'test/metrics/alerts.yml']);
  t.equal(status, 0, said);
});
