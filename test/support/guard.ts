/** Cleans up after this process when it dies without doing so: by Ctrl-C, in a crash or by SIGKILL. */
import { spawn } from 'node:child_process';

/**
 * Runs the shell `script` (its arguments are `$1`, `$2` ...) as soon as this process is gone.
 * The caller MUST call the returned function when nothing is left to clean up.
 */
export function guard(script: string, ...args: readonly string[]): () => void {
  // The shell reads from a pipe that closes when this process ends, however it ends. The shell runs in a session of its
  // own, so that a Ctrl-C in the terminal does not reach it.
  const shell = spawn('sh', ['-c', `read -r _ && exit; ${script}`, 'guard', ...args], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  shell.stdin.on('error', () => {});
  return () => void shell.stdin.end('done\n');
}
