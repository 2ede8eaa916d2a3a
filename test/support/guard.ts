/** Cleans up after this process if it dies without doing so: by Ctrl-C, a crash or SIGKILL. */
import { spawn } from 'node:child_process';

/**
 * Runs the shell `script` (its arguments are `$1`, `$2` ...) as soon as this process is gone.
 * The caller MUST call the returned function once there is nothing left to clean up.
 */
export function guard(script: string, ...args: readonly string[]): () => void {
  // The shell waits at a pipe that closes with this process, however it ends. It is in a session of its own,
  // so that a Ctrl-C in the terminal does not reach it.
  const shell = spawn('sh', ['-c', `read -r _ && exit; ${script}`, 'guard', ...args], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  shell.stdin.on('error', () => {});
  return () => void shell.stdin.end('done\n');
}
