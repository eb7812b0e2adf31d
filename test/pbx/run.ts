/**
 * Plays real calls on a real PBX against the real daemon, and compares the CRM's ledger with what the telephones saw.
 *
 *   npm run test:pbx [-- --only WORDS] [--save FOLDER] [--allow-skip]
 *
 * Exit status: 0 every story passed, 1 a story failed or the PBX could not be set up.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { installAsterisk, startAsterisk } from './asterisk/asterisk.ts';
import { playStories } from './harness.ts';
import { Unavailable } from './pbx.ts';
import { formatRow } from './report.ts';
import { faults } from './stories/faults.ts';
import { inbound } from './stories/inbound.ts';
import { outbound } from './stories/outbound.ts';
import { transfers } from './stories/transfer.ts';

/** Where PBXs are installed: kept between runs, outside the repository. */
const FOLDER = process.env.LOGCALLD_PBX_ROOT ?? '/var/tmp/logcalld-pbx';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    save: { type: 'string' },
    'allow-skip': { type: 'boolean', default: false },
  },
});

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function main(): Promise<number> {
  const version = await installAsterisk(FOLDER);
  const stories = [...inbound, ...transfers, ...outbound, ...faults].filter((story) =>
    story.name.includes(options.only),
  );
  console.log(`${version}: ${stories.length} stories`);
  const pbx = await startAsterisk(FOLDER, version);
  const rows = await playStories(pbx, stories, {
    save: options.save ?? null,
    onRow: (row) => console.log(formatRow(row)),
  }).finally(() => pbx.stop());
  console.log(
    `freeswitch: ${isInstalled('freeswitch') ? 'not set up by these tests yet' : 'not installed here'}, its stories were not run`,
  );
  const passed = rows.filter((row) => row.ok).length;
  console.log(`${passed} passed, ${rows.length - passed} failed`);
  return passed === rows.length && stories.length > 0 ? 0 : 1;
}

// What was started is ended by the exit handlers of those who started it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

try {
  process.exitCode = await main();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  const skip = error instanceof Unavailable && options['allow-skip'];
  console.log(skip ? `SKIPPED: ${reason}` : reason);
  process.exitCode = skip ? 0 : 1;
}
// Whatever a story may have left open must not keep a finished run alive.
process.exit();
