/** Counts what limits over all nodes decide, and how often this node had to decide alone. */
import { type Count, Counter } from './instruments.ts';

const LIMITS = ['connections', 'events'] as const;
export type SharedLimit = (typeof LIMITS)[number];

/** `alone`: Redis was away, so the limit of this node counted. */
const OUTCOMES = ['refused', 'alone'] as const;

export class SharedLimitMetrics {
  readonly family = new Counter(
    'carillon_shared_limits_total',
    'Decisions about limits over all nodes: refused, or taken by this node alone.',
    { limit: LIMITS, outcome: OUTCOMES },
  );

  constructor() {
    for (const limit of LIMITS) for (const outcome of OUTCOMES) this.of(limit, outcome);
  }

  of(limit: SharedLimit, outcome: (typeof OUTCOMES)[number]): Count {
    return this.family.of({ limit, outcome });
  }
}
