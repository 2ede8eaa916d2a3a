/** Turns what libraries and Node write to the console into log lines, because readers of the log expect JSON. */
import { format } from 'node:util';
import type { Logger } from 'pino';

export function logLibraryWarnings(log: Logger): void {
  const warn = (...args: readonly unknown[]) =>
    log.warn({ code: 'library_warning', reason: format(...args) }, 'a library warns');
  console.warn = warn;
  console.error = warn;
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => warn(`${name}: ${message}`));
}
