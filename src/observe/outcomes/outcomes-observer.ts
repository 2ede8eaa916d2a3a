/**
 * Keeps the outcome of each event. A message that is not an event has no id to ask for, and nobody asks for a canary.
 */
import { CANARY_TYPE } from '../../contract/event.ts';
import type { EventObserver } from '../../pipeline/event-observer.ts';
import { AUDIENCES_KEPT, type Outcomes } from './outcomes.ts';

/** `now`: the clock that all processes share. */
export function keepOutcomes(outcomes: Pick<Outcomes, 'record'>, now: () => number): EventObserver {
  return {
    settled: ({ event, receivedAtMs, mapped, queue, madeBy, titleRoute }, settlement) => {
      if (event === undefined || event.type === CANARY_TYPE || settlement.kind === 'release') return;
      const isDead = settlement.kind === 'dead-letter';
      outcomes.record(event, {
        receivedAtMs,
        settledAtMs: now(),
        audiences: mapped.slice(0, AUDIENCES_KEPT).map(({ audience }) => audience),
        count: mapped.length,
        ...(queue === undefined ? {} : { queue }),
        ...(isDead ? { deadLetter: settlement.refusal } : {}),
        ...(madeBy === undefined ? {} : { madeBy }),
        ...(titleRoute === undefined ? {} : { titleRoute }),
      });
    },
  };
}
