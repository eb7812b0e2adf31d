import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes the folders `run-PID-...` of runs that were killed before they could clean up, and ends the Asterisk that such
 * a run may have left behind. Runs that are still going on are not touched.
 */
export async function removeLeftovers(chroot: string): Promise<void> {
  for (const name of await readdir(chroot)) {
    const owner = /^run-(\d+)-/.exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    const pid = (await readFile(join(chroot, name, 'run', 'asterisk.pid'), 'utf8').catch(() => '')).trim();
    const command = pid === '' ? '' : await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    // A number may belong to another process by now: the command line names the folder.
    if (command.includes(`/${name}/`)) process.kill(Number(pid), 'SIGKILL');
    await rm(join(chroot, name), { recursive: true, force: true });
  }
}
