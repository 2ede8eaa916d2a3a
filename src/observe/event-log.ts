/** Logs each append of the events that are sampled. */
import type { Logger } from 'pino';
import type { EventObserver } from '../pipeline/event-observer.ts';

export function logSampledEvents(log: Logger): EventObserver {
  return {
    appended: ({ event, isSampled, omitted, queue }, audience, { epoch, offset, repeat, gateways }) => {
      if (isSampled)
        log.info({ event, queue, audience, epoch, offset, repeat, gateways, omitted }, 'appended');
    },
  };
}
