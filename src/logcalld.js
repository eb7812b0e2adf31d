#!/usr/bin/env node
/**
 * Starts logcalld on a Node that can run it. The program is TypeScript and needs Node 24; machines often carry an older
 * one, on which better-sqlite3 even crashes. This file is plain JavaScript for Node 18, hands over to the Node that npm
 * installed beside the program, and says in one line what is missing if there is none.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const REQUIRED = 24;
const here = fileURLToPath(import.meta.url);

if (Number(process.versions.node.split('.')[0]) >= REQUIRED) {
  const compiled = new URL('./main.js', import.meta.url);
  await import(existsSync(compiled) ? './main.js' : './main.ts');
} else {
  const node = bundledNode();
  if (node === null) {
    console.error(
      `logcalld: needs Node ${REQUIRED} or newer, this is ${process.versions.node}: run "npm ci" in the folder of logcalld, which brings Node ${REQUIRED} along, or install Node ${REQUIRED} from https://nodejs.org.`,
    );
    process.exitCode = 1;
  } else {
    handOver(node);
  }
}

/** The Node of the optional dependency for this machine, `null` when npm did not install it. */
function bundledNode() {
  if (process.env.LOGCALLD_LAUNCHED !== undefined) return null;
  const name = `node-${process.platform}-${process.arch}`;
  try {
    return createRequire(import.meta.url).resolve(`${name}/bin/node`);
  } catch {
    return null;
  }
}

/** Runs the same command line on another Node and ends as it ends. */
function handOver(node) {
  // Before the start, or a signal in the meantime would end this process and leave the other one running alone.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  const child = spawn(node, [...process.execArgv, here, ...process.argv.slice(2)], {
    stdio: 'inherit',
    // Guards against going round in circles should that Node be too old as well.
    env: { ...process.env, LOGCALLD_LAUNCHED: '1' },
  });
  child.on('error', (error) => {
    console.error(
      `logcalld: cannot start ${node} (${error.code ?? error.message}): run "npm ci" in the folder of logcalld.`,
    );
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    // 128 + number is what a shell shows for a process that a signal ended.
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}
