/** `GET /demo/signals` of embedded mode: what RabbitMQ's exchange `carillon.signals` would be told, as Server-Sent Events. */
import type { FastifyInstance } from 'fastify';
import { EventStream } from './event-stream.ts';

export interface DemoSignalsOptions {
  /** Tells each signal, as the JSON of its CloudEvent, until the function that it returns is called. */
  readonly listen: (listener: (event: string) => void) => () => void;
  /** Aborts when there is nothing more to tell because the service stops. */
  readonly closing: AbortSignal;
}

export function serveDemoSignals(app: FastifyInstance, { listen, closing }: DemoSignalsOptions): void {
  // A HEAD would open a stream that nobody reads, and that nothing ends.
  const options = { schema: { hide: true }, compress: false, exposeHeadRoute: false } as const;
  app.get('/demo/signals', options, (_request, reply) => {
    const stream = new EventStream({ closing, onClosed: () => stop() });
    const stop = listen((event) => stream.send(event));
    return stream.answer(reply);
  });
}
