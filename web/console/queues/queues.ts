/** The queues, read every few seconds for as long as somebody looks at them. */
import { effect } from '@preact/signals';
import { type Api, mapped } from '../api.ts';
import { Reading } from '../operate/reading.ts';
import { isPageVisible } from '../visible.ts';
import { type Queues as QueuesRead, readQueues } from './queue.ts';

export const QUEUES_PATH = '/admin/queues';

/** One look at RabbitMQ serves everybody for 2 s. */
const READ_MS = 5_000;

export class Queues {
  readonly #api: Api;
  readonly reading = new Reading<QueuesRead>();

  constructor(api: Api) {
    this.#api = api;
  }

  async read(): Promise<void> {
    await this.reading.read(async (signal) =>
      mapped(await this.#api.ask(QUEUES_PATH, { signal }), readQueues),
    );
  }

  /** Until the function that it returns is called. While the page is hidden nothing is asked. */
  watch(): () => void {
    return effect(() => {
      if (!isPageVisible.value) return undefined;
      void this.read();
      const timer = setInterval(() => {
        // An answer that takes longer is waited for.
        if (!this.reading.isReading.peek()) void this.read();
      }, READ_MS);
      return () => clearInterval(timer);
    });
  }
}
