/**
 * Checks notifications that no gateway took, within this process: embedded mode. A timer brings each check back.
 * Checks are decided one at a time, as they are over all processes when RabbitMQ keeps them.
 */
import type { Logger } from 'pino';
import type { Listeners } from '../operate/signals/listeners.ts';
import { type Check, logFailedCheck } from './check.ts';
import type { ReachCheck } from './reach-check.ts';
import { checkFor, type Schedule } from './schedule.ts';
import type { UnreachedMemory } from './unreached-memory.ts';
import { encodeUnreached, UNREACHED } from './unreached-signal.ts';

export interface MemoryUnreachedOptions {
  readonly reachCheck: ReachCheck;
  readonly memory: Pick<UnreachedMemory, 'isSignalled' | 'signalled'>;
  readonly listeners: Pick<Listeners, 'emit'>;
  readonly afterMs: number;
  /** Calls back after the delay. Returns a function that cancels this. */
  readonly after: (delayMs: number, run: () => void) => () => void;
  readonly log: Logger;
  readonly onSignal: (name: typeof UNREACHED, outcome: 'published' | 'unrouted') => void;
}

export class MemoryUnreached {
  readonly #options: MemoryUnreachedOptions;
  /** Functions that cancel the checks that wait. */
  readonly #waiting = new Set<() => void>();
  #inHand: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: MemoryUnreachedOptions) {
    this.#options = options;
  }

  readonly schedule: Schedule = (event, audience, appended) => {
    const check = checkFor(event, audience, appended);
    if (check !== undefined) this.#wait(check);
    return undefined;
  };

  /** Drops the checks that wait. In embedded mode the notifications are lost as well. */
  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
  }

  /** Resolves when all checks that were due are decided. */
  async drain(): Promise<void> {
    await this.#inHand;
  }

  #wait(check: Check): void {
    if (this.#isStopped) return;
    const { after, afterMs } = this.#options;
    const cancel = after(afterMs, () => {
      this.#waiting.delete(cancel);
      // One at a time: two checks of one notification could both find it not yet signalled.
      this.#inHand = this.#inHand.then(() => this.#settle(check));
    });
    this.#waiting.add(cancel);
  }

  /** Never rejects. */
  async #settle(check: Check): Promise<void> {
    const { reachCheck, memory, listeners, log, onSignal } = this.#options;
    try {
      const verdict = await reachCheck(check);
      if (verdict.kind === 'open') this.#wait({ ...check, waits: check.waits + 1 });
      if (verdict.kind !== 'unreached') return;
      const { audience } = check;
      const { notification } = verdict;
      if (await memory.isSignalled(audience, notification)) return;
      onSignal(UNREACHED, listeners.emit(encodeUnreached(verdict).body) ? 'published' : 'unrouted');
      await memory.signalled(audience, notification);
    } catch (error) {
      logFailedCheck(log, check, error);
    }
  }
}
