/**
 * `GET /demo/signals`, in embedded mode only: the signals that production publishes to RabbitMQ's exchange
 * `carillon.signals`, as Server-Sent Events.
 */
import type { FastifyInstance } from 'fastify';
import { EventStream } from './event-stream.ts';

export interface DemoSignalsOptions {
  /** Calls the listener with each signal, as the JSON of its CloudEvent, until the returned function is called. */
  readonly listen: (listener: (event: string) => void) => () => void;
  /** Aborts when the service stops. */
  readonly closing: AbortSignal;
}

export function serveDemoSignals(app: FastifyInstance, { listen, closing }: DemoSignalsOptions): void {
  // A HEAD request would open a stream that nobody reads and nothing ends.
  const options = { schema: { hide: true }, compress: false, exposeHeadRoute: false } as const;
  app.get('/demo/signals', options, (_request, reply) => {
    const stream = new EventStream({ closing, onClosed: () => stop() });
    const stop = listen((event) => stream.send(event));
    return stream.answer(reply);
  });
}
