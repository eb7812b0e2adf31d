/** Loaded into a daemon by `--import`: makes it fail where nobody catches it, when a signal says so. */
import { fstatSync } from 'node:fs';

process.on('SIGUSR2', () => {
  throw new Error(`thrown with ${process.env.CRASH_SECRET} of +919845012345`);
});
process.on('SIGWINCH', () => {
  void Promise.reject(new Error(`rejected with ${process.env.CRASH_SECRET} of +919845012345`));
});

// As if the output went to journald: systemd tells device and inode of the stream.
const { dev, ino } = fstatSync(1);
process.env.JOURNAL_STREAM = `${dev}:${ino}`;
