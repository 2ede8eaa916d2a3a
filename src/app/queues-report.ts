/** What this process tells of the queues: of those in RabbitMQ that it can ask about, with what its canaries say. */
import { performance } from 'node:perf_hooks';
import type { About } from '../contract/console.ts';
import { listUnknowns, type QueuesReport } from '../contract/queues.ts';
import { type QueueFacts, reportQueue } from '../observe/queues-report.ts';
import type { OwnCanary } from './canary.ts';
import type { Context } from './context.ts';
import type { Queue } from './queue.ts';

interface QueuesReportParts {
  readonly mode: About['mode'];
  readonly queue: Pick<Queue, 'look'>;
  /** Undefined when this process sends no canaries. */
  readonly canary: OwnCanary | undefined;
  readonly now: () => number;
}

/** What it returns rejects when RabbitMQ answers about no queue. */
export function openQueuesReport(
  { node, config, reader }: Context,
  { mode, queue: { look }, canary, now }: QueuesReportParts,
): () => Promise<QueuesReport> {
  const noCanary = config.ROLES.includes('gateway') ? 'canary_off' : 'no_gateway';
  const isConsumer = config.ROLES.includes('consumer');
  const missing = (code: keyof typeof listUnknowns): QueuesReport['unknown'][number] => ({
    field: 'queues',
    code,
    detail: listUnknowns[code],
  });
  return async () => {
    const found = await look?.();
    const nowMs = now();
    const at = new Date(nowMs).toISOString();
    if (found === undefined)
      return { node, mode, at, countedAt: null, queues: [], unknown: [missing('embedded')] };
    const { countedAtMs, doCanariesOvertake } = found;
    const withCanary = (facts: (typeof found.queues)[number]): QueueFacts => {
      if (facts.kind !== 'events' && facts.kind !== 'partition') return facts;
      return { ...facts, canary: canary?.reading(facts.partition) ?? noCanary };
    };
    return {
      node,
      mode,
      at,
      countedAt: new Date(nowMs - (performance.now() - countedAtMs)).toISOString(),
      queues: found.queues.map((facts) =>
        reportQueue(withCanary(facts), { node, nowMs, doCanariesOvertake }),
      ),
      // A consumer without the file has no sources.
      unknown: reader.sources === undefined && !isConsumer ? [missing('sources_unknown')] : [],
    };
  };
}
