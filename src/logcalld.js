#!/usr/bin/env node
/**
 * Starts logcalld on a Node that can run it. The program is TypeScript and needs Node 24; machines often carry an older
 * one, on which better-sqlite3 even crashes. This file is plain JavaScript for Node 18, hands over to the Node that npm
 * installed beside the program, and says in one line what is missing if there is none.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REQUIRED = 24;
/** The commands that run for long. */
const LASTING = new Set(['run', 'demo']);
/**
 * Set before the program of such a command is loaded, for all its threads. V8 would let its heap grow to several times what is alive
 * before it collects: the young generation stays at its first size, the old one grows by 40 % between two collections. That costs a tenth
 * of the CPU of a flood, and is no limit: what is alive always finds room. While the old generation is marked, the young one is collected as
 * before: else it grows beyond its size meanwhile, to 14 MB of which most ends up in the old one, and costs no less. The database thread
 * collects by itself what V8 does not count.
 */
const HEAP = ['--semi-space-growth-factor=1', '--heap-growing-percent=40', '--no-separate-gc-phases', '--expose-gc'];
/** journald takes the priority of a line from what it begins with. */
const ERROR = process.env.JOURNAL_STREAM === undefined || process.stderr.isTTY ? '' : '<3>';
const here = fileURLToPath(import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= REQUIRED) {
  if (process.argv.slice(2).some((word) => LASTING.has(word))) {
    const { setFlagsFromString } = await import('node:v8');
    for (const flag of HEAP) setFlagsFromString(flag);
  } else keepCompiled();
  const compiled = new URL('./main.js', import.meta.url);
  await import(existsSync(compiled) ? './main.js' : './main.ts');
} else {
  const node = await bundledNode();
  if (node === null) {
    console.error(
      `${ERROR}logcalld: needs Node ${REQUIRED} or newer, this is ${process.versions.node}: run "npm ci" in the folder of logcalld, which brings Node ${REQUIRED} along, or install Node ${REQUIRED} from https://nodejs.org.`,
    );
    process.exitCode = 1;
  } else {
    await handOver(node);
  }
}

/**
 * Has Node keep what it compiles for the next command, which takes a tenth less CPU then. In the home of this user as the system knows it,
 * not by the environment: what is kept there is run, and under sudo HOME may be that of somebody else. Without a home nothing is kept.
 */
function keepCompiled() {
  const { enableCompileCache } = process.getBuiltinModule('node:module');
  const { userInfo } = process.getBuiltinModule('node:os');
  try {
    enableCompileCache(join(userInfo().homedir, '.cache', 'logcalld'));
  } catch {
    // A user whom the system does not know.
  }
}

/** The Node of the optional dependency for this machine, `null` when npm did not install it. */
async function bundledNode() {
  if (process.env.LOGCALLD_LAUNCHED !== undefined) return null;
  const { createRequire } = await import('node:module');
  const name = `node-${process.platform}-${process.arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node`);
  } catch {
    return null;
  }
}

/**
 * Runs the same command line on another Node and ends as it ends. Not by process.execve: Node before 22.15 has none, and
 * where the other Node cannot start (a system without glibc) it aborts with a trace instead of saying so.
 */
async function handOver(node) {
  const { spawn } = await import('node:child_process');
  const { constants } = await import('node:os');
  // Before the start, or a signal in the meantime would end this process and leave the other one running alone.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  const child = spawn(node, [...process.execArgv, here, ...process.argv.slice(2)], {
    stdio: 'inherit',
    // Guards against going round in circles should that Node be too old as well.
    env: { ...process.env, LOGCALLD_LAUNCHED: '1' },
  });
  child.on('error', (error) => {
    console.error(
      `${ERROR}logcalld: cannot start ${node} (${error.code ?? error.message}): run "npm ci" in the folder of logcalld.`,
    );
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    // 128 + number is what a shell shows for a process that a signal ended.
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
