/** Keeps what became of each event. A message that is no event has no name to ask for, and a canary nobody asks for. */
import { CANARY_TYPE } from '../../contract/event.ts';
import type { EventObserver } from '../../pipeline/event-observer.ts';
import { AUDIENCES_KEPT, type Outcomes } from './outcomes.ts';

/** `now`: the time that all processes go by. */
export function keepOutcomes(outcomes: Pick<Outcomes, 'record'>, now: () => number): EventObserver {
  return {
    settled: ({ event, receivedAtMs, mapped }, settlement) => {
      if (event === undefined || event.type === CANARY_TYPE || settlement.kind === 'release') return;
      const isDead = settlement.kind === 'dead-letter';
      outcomes.record(event, {
        receivedAtMs,
        settledAtMs: now(),
        audiences: mapped.slice(0, AUDIENCES_KEPT).map(({ audience }) => audience),
        count: mapped.length,
        ...(isDead ? { deadLetter: settlement.refusal } : {}),
      });
    },
  };
}
