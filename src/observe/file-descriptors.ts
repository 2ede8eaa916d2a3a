/**
 * Notices when the process has run out of file descriptors. Node does not report it: it closes new connections
 * without an answer, and every attempt to open something fails.
 */
import { close, open } from 'node:fs';
import type { Logger } from 'pino';
import type { PartHealth } from '../contract/health.ts';

const EVERY_MS = 1_000;

const CODE = 'no_file_descriptors';

export class FileDescriptors {
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #areExhausted = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  get health(): PartHealth {
    return this.#areExhausted ? { ok: false, reason: CODE } : { ok: true };
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    open('/dev/null', (error, descriptor) => {
      if (error === null) close(descriptor);
      this.#become(error?.code === 'EMFILE' || error?.code === 'ENFILE');
    });
  }

  #become(areExhausted: boolean): void {
    if (areExhausted === this.#areExhausted) return;
    this.#areExhausted = areExhausted;
    if (areExhausted) {
      const reason = 'raise the limit (ulimit -n, LimitNOFILE), or lower CONNECTIONS_PER_NODE';
      this.#log.error({ code: CODE, reason }, 'no file descriptors are left: new connections are closed');
    } else this.#log.info('there are file descriptors again');
  }
}
