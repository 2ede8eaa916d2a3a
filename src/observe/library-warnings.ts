/** What libraries and Node itself write to the console becomes lines of the log: whoever reads it expects JSON. */
import { format } from 'node:util';
import type { Logger } from 'pino';

export function logLibraryWarnings(log: Logger): void {
  const warn = (...told: readonly unknown[]) =>
    log.warn({ code: 'library_warning', reason: format(...told) }, 'a library warns');
  console.warn = warn;
  console.error = warn;
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => warn(`${name}: ${message}`));
}
