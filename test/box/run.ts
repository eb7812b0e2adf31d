/**
 * Installs and runs logcalld as an administrator does, in booted Debians:
 *
 *   npm run test:package [-- --only WORDS] [--suite bookworm|trixie] [--allow-skip]
 *
 * Exit status: 0 every story passed, 1 one failed or cannot be played here (no box, no Asterisk). `--allow-skip`: the latter is only said.
 */

import { refuse, wordsOf } from '../support/words.ts';
import { boot, SUITES, type Suite, Unavailable } from './box.ts';
import { stories } from './stories/all.ts';
import type { Story } from './story.ts';

const STORY_LIMIT_MS = 480_000;

const { values: options } = wordsOf({
  options: {
    only: { type: 'string', default: '' },
    suite: { type: 'string' },
    'allow-skip': { type: 'boolean', default: false },
  },
});

if (options.suite !== undefined && !SUITES.some((suite) => suite === options.suite)) {
  refuse(`--suite is one of ${SUITES.join(', ')}, not "${options.suite}".`);
}
const suites = SUITES.filter((suite) => suite === (options.suite ?? suite));
const wanted = stories.filter(({ name }) => name.includes(options.only));

/** True when it passed, or may be left out on a machine that lacks what it needs. */
async function play(suite: Suite, story: Story): Promise<boolean> {
  const began = performance.now();
  const box = await boot(suite);
  let limit: NodeJS.Timeout | undefined;
  let problem: string | null = null;
  let lacking: string | null = null;
  try {
    const late = new Promise<never>((_, reject) => {
      limit = setTimeout(() => reject(new Error(`not finished after ${STORY_LIMIT_MS / 1000} s`)), STORY_LIMIT_MS);
    });
    await Promise.race([story.play(box), late]);
  } catch (error) {
    if (error instanceof Unavailable && options['allow-skip']) lacking = error.message;
    const log = await box.run('journalctl --no-pager -q -n 40 -o short-precise');
    problem = `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\nLast lines of its journal:\n${log.out}`;
  } finally {
    clearTimeout(limit);
    await box.stop();
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (lacking !== null) {
    console.log(`SKIPPED: ${story.name}: ${lacking}`);
    return true;
  }
  console.log(`${problem === null ? 'ok    ' : 'FAILED'}  ${suite.padEnd(8)}  ${story.name}  ${seconds} s`);
  if (problem !== null) console.log(problem.replace(/^/gm, '        '));
  return problem === null;
}

// Boxes are ended by the exit handlers of those who booted them.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const began = performance.now();
let passed = 0;
let failed = 0;
try {
  for (const suite of suites) {
    for (const story of wanted) {
      if (await play(suite, story)) passed += 1;
      else failed += 1;
    }
  }
} catch (error) {
  if (!(error instanceof Unavailable)) throw error;
  console.log(`${options['allow-skip'] ? 'SKIPPED' : 'FAILED'}: ${error.message}`);
  if (!options['allow-skip']) failed += 1;
  else passed += 1;
}
console.log(`${passed} passed, ${failed} failed, ${((performance.now() - began) / 1000).toFixed(0)} s`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
