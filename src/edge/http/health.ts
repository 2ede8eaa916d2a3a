/** `/health/live`, `/health/ready`, `/health/startup`: 200 when the answer is yes, 503 when it is no. */
import type { FastifyInstance } from 'fastify';
import { type Health, healthSchema } from '../../contract/health.ts';

const QUESTIONS = {
  live: 'Whether the process should be left running.',
  ready: 'Whether events get through now; names the part that fails.',
  startup: 'Whether everything has worked at least once since the start.',
} as const;

export function serveHealth(app: FastifyInstance, health: Health): void {
  for (const question of ['live', 'ready', 'startup'] as const) {
    app.get(
      `/health/${question}`,
      {
        logLevel: 'silent',
        schema: {
          tags: ['health'],
          summary: QUESTIONS[question],
          response: { 200: healthSchema, 503: healthSchema },
        },
      },
      async (_request, reply) => {
        const report = health[question]();
        const isYes = report.status === 'alive' || report.status === 'ready';
        return reply.code(isYes ? 200 : 503).send(report);
      },
    );
  }
}
