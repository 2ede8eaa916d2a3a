/** `GET /admin/queues`: how much waits in each queue, who takes it, and how long it takes an event to get through. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { type QueuesReport, queuesSchema } from '../../contract/queues.ts';
import { SCOPE_CODES } from './bearer.ts';
import { type Away, answering, problemResponses } from './problems.ts';

const NOT_COUNTED: Away = {
  part: 'queues',
  message: 'RabbitMQ not reached',
  detail: 'RabbitMQ is away, or answers about no queue; ask again later',
  codes: ['broker_unavailable'],
};

export interface AdminQueuesOptions {
  /** Rejects while RabbitMQ is away. */
  readonly queues: () => Promise<QueuesReport>;
}

export function serveAdminQueues(app: FastifyInstance, { queues }: AdminQueuesOptions): void {
  app.withTypeProvider<ZodTypeProvider>().get(
    '/admin/queues',
    {
      // Whoever watches asks every few seconds.
      config: { adminCall: { action: 'queues.list', scopes: ['admin:read'], isHarmless: true } },
      schema: {
        tags: ['admin'],
        summary: 'How much waits in each queue, who takes it, and how long it takes to get through.',
        description:
          'What cannot be known is null, and `unknown` says why. However many ask, RabbitMQ is asked once every 2 seconds. Lag is what the canaries of the process that answers measure: ask a gateway.',
        response: {
          200: queuesSchema,
          ...problemResponses(...SCOPE_CODES, 'broker_unavailable'),
        },
      },
    },
    (request, reply) => answering(request, reply, NOT_COUNTED, async () => reply.send(await queues())),
  );
}
