/** What became of the last sending: accepted with its id and then its way, or refused and why. */
import { isAppended, isDelivered, journeyKey, latencyOf, socketsOf } from '../live/journeys.ts';
import type { ConsoleSession } from '../session.ts';
import { isNarrow } from '../width.ts';
import { milliseconds, plural } from '../words.ts';
import { fieldOf } from './event-fields.ts';

interface OutcomeLineProps {
  readonly session: ConsoleSession;
  readonly onShowDevices: () => void;
}

export function OutcomeLine({ session, onShowDevices }: OutcomeLineProps) {
  const outcome = session.composer.outcome.value;
  return (
    <div class="outcome" role="status" data-outcome={outcome.status}>
      {outcome.status === 'sending' && (
        <p>{outcome.of === 1 ? 'Sending …' : `Sending ${outcome.done + 1} of ${outcome.of} …`}</p>
      )}
      {outcome.status === 'accepted' && (
        <>
          <p>
            <b>{outcome.times === 1 ? 'Accepted' : `${outcome.times} accepted`}</b> and confirmed
            {outcome.times > 1 && ', the last'} as <code>{outcome.id}</code>
          </p>
          <Fate session={session} source={outcome.source} id={outcome.id} />
          {isNarrow.value && (
            <button type="button" class="plain" onClick={onShowDevices}>
              See the devices
            </button>
          )}
        </>
      )}
      {outcome.status === 'refused' && (
        <>
          <p>
            <b>{outcome.done === 0 ? 'Not accepted' : `Stopped after ${outcome.done} of ${outcome.of}`}</b>:{' '}
            {outcome.problem.title}
          </p>
          {fieldOf(outcome.problem.path) === undefined && <p>{outcome.problem.detail}</p>}
          <p class="quiet">
            <code>{outcome.problem.code}</code>
          </p>
        </>
      )}
    </div>
  );
}

/** As the live stream tells it. */
function Fate({
  session,
  ...event
}: {
  readonly session: ConsoleSession;
  readonly source: string;
  readonly id: string;
}) {
  const journey = session.live.journeys.value.find(({ key }) => key === journeyKey(event));
  if (journey === undefined) return null;
  const latencyMs = latencyOf(journey);
  return (
    <p class="quiet">
      {isAppended(journey) &&
        `In ${plural(journey.legs.filter(({ offset }) => offset !== undefined).length, 'inbox', 'inboxes')}`}
      {isDelivered(journey) && `, on ${plural(socketsOf(journey), 'socket')}`}
      {latencyMs !== undefined && ` after ${milliseconds(latencyMs)}`}
      {journey.isRepeat && ', a repeat: delivered before'}
    </p>
  );
}
