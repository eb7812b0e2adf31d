/**
 * Ends what a test started when the test ends, however it does: passed, failed, interrupted (Ctrl-C), out of time, killed.
 *
 * A process that is killed runs no handler, so this is a process of its own (a shell, in a session that Ctrl-C does not reach), which
 * reads from a pipe what is running. The kernel closes the pipe with the test; then it kills what is left.
 */
import { type ChildProcess, spawn } from 'node:child_process';

/** A line is `+ pid` or `- pid`. A process that leads a group is killed with all of it. */
const GUARD = `
left=' '
while read -r what pid; do
  case $what in
    +) left="$left$pid " ;;
    -) left="\${left%% $pid *} \${left#* $pid }" ;;
  esac
done
for pid in $left; do kill -s KILL -- "-$pid" 2>/dev/null || kill -s KILL "$pid" 2>/dev/null; done
`;

let tell: ((line: string) => void) | null = null;

function start(): (line: string) => void {
  const shell = spawn('/bin/sh', ['-c', GUARD], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const { stdin } = shell;
  // A test does not wait for it.
  shell.unref();
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  return (line) => void stdin.write(line);
}

/** Hands back the child, which does not outlive this process. */
export function guarded<C extends ChildProcess>(child: C): C {
  const { pid } = child;
  if (pid === undefined) return child;
  tell ??= start();
  tell(`+ ${pid}\n`);
  child.once('exit', () => tell?.(`- ${pid}\n`));
  return child;
}
