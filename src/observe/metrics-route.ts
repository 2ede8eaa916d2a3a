/** `/metrics`, for Prometheus; on the operators' port only. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Metrics } from './metrics.ts';

export function serveMetrics(app: FastifyInstance, metrics: Pick<Metrics, 'expose'>): void {
  app.get(
    '/metrics',
    {
      schema: {
        tags: ['ops'],
        summary: 'Metrics in the Prometheus text format.',
        response: { 200: { content: { 'text/plain': { schema: z.string() } } } },
      },
      serializerCompiler: () => (text) => String(text),
    },
    async (_request, reply) => {
      const { contentType, text } = await metrics.expose();
      return reply.type(contentType).send(text);
    },
  );
}
