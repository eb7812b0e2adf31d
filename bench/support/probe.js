/** Loaded into the daemon before anything else: measures how late its event loop is, told by its parent when. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const RESOLUTION_MS = 1;

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  process.on('message', (message) => {
    if (message === 'reset') delay.reset();
    if (message !== 'read') return;
    const late = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    process.send({ p99: late(delay.percentile(99)), p999: late(delay.percentile(99.9)), max: late(delay.max) });
  });
  // Whoever listens does not keep the program from ending.
  process.channel?.unref();
}
