/** One event's way: the stations that it has passed, and what became of it for each audience. */
import { AudienceName } from '../parts/audience-name.tsx';
import { hashOf } from '../place.ts';
import { clockTime, milliseconds, plural } from '../words.ts';
import { isAppended, isDelivered, type Journey, type Leg, latencyOf, socketsOf } from './journeys.ts';

export function JourneyRow({ journey }: { readonly journey: Journey }) {
  const { source, id, type, firstAtMs, route, legs, count, isRepeat, death } = journey;
  const latencyMs = latencyOf(journey);
  const hidden = (count ?? legs.length) - legs.length;
  return (
    <li class="journey" data-dead={death !== undefined}>
      <p class="journey-head">
        <span class="journey-type">{type || 'no event'}</span>
        {isRepeat && <span class="new">repeat</span>}
        <time dateTime={new Date(firstAtMs).toISOString()}>{clockTime(firstAtMs)}</time>
      </p>
      <Track journey={journey} />
      {death !== undefined && (
        <p class="dead-detail">
          <code class="dead-reason">{death.reason}</code> {death.detail}
        </p>
      )}
      {legs.length > 0 && (
        <ul class="legs">
          {legs.slice(0, 5).map((leg) => (
            <LegLine key={leg.audience} leg={leg} />
          ))}
          {legs.length + hidden > 5 && (
            <li class="quiet">and {legs.length + hidden - Math.min(5, legs.length)} more</li>
          )}
        </ul>
      )}
      <p class="journey-foot quiet">
        <span>
          {source} <code>{id}</code>
        </span>
        {id !== '' && (
          <a
            href={hashOf('explain', { event: id, source, user: userOf(journey) })}
            aria-label={`Explain ${id}`}
          >
            Explain
          </a>
        )}
        {route !== undefined && (
          <span>
            route <code>{route}</code>
          </span>
        )}
        {isDelivered(journey) && legs.length > 1 && (
          <span>
            {plural(socketsOf(journey), 'socket')}
            {latencyMs !== undefined && ` in ${milliseconds(latencyMs)}`}
          </span>
        )}
      </p>
    </li>
  );
}

/** Whom one will ask about: the first user whom it is for. Empty where it is for others. */
function userOf({ legs }: Journey): string {
  const user = legs.find(({ audience }) => audience.startsWith('user:'));
  return user?.audience.slice('user:'.length) ?? '';
}

function Track({ journey }: { readonly journey: Journey }) {
  const isDead = journey.death !== undefined;
  const stations = [
    { name: 'received', isPassed: true },
    { name: 'mapped', isPassed: journey.isMapped || journey.legs.length > 0 },
    { name: 'appended', isPassed: isAppended(journey) || isDelivered(journey) },
    isDead ? { name: 'dead', isPassed: true } : { name: 'delivered', isPassed: isDelivered(journey) },
    // Where it ended it goes no further.
  ].filter(({ isPassed }) => isPassed || !isDead);
  return (
    <ol class="track">
      {stations.map(({ name, isPassed }) => (
        <li key={name} data-passed={isPassed} data-station={name}>
          <i aria-hidden="true" />
          {name}
          {!isPassed && <span class="unheard"> not yet</span>}
        </li>
      ))}
    </ol>
  );
}

function LegLine({ leg }: { readonly leg: Leg }) {
  const { audience, offset, nodes, sockets, latencyMs } = leg;
  return (
    <li class="leg">
      <AudienceName audience={audience} />
      {offset !== undefined && <span class="leg-offset">#{offset}</span>}
      <span class="leg-end quiet">
        {sockets !== undefined && plural(sockets, 'socket')}
        {sockets === undefined && nodes === 0 && 'nobody connected'}
        {latencyMs !== undefined && ` · ${milliseconds(latencyMs)}`}
      </span>
    </li>
  );
}
