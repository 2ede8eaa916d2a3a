/** The pane of what flows through: rates, latency, the way of each event, and those that could not be delivered. */
import { nowMs } from '../clock.ts';
import { StateMark } from '../parts/connection.tsx';
import { Icon } from '../parts/icons.tsx';
import { hashOf } from '../place.ts';
import { clockTime, countOf, plural, type StateInWords, secondsUntil } from '../words.ts';
import { JourneyRow } from './journey-row.tsx';
import { LatencyChart } from './latency-chart.tsx';
import type { Live } from './live.ts';
import { RateCharts } from './rate-charts.tsx';
import type { StreamState } from './stream.ts';

export function LivePane({ live }: { readonly live: Live }) {
  const connections = live.connections.value;
  return (
    <>
      <div class="pane-head">
        <h2 id="title-live">Live</h2>
        <p class="stream-state" data-stream={live.stream.state.value.status}>
          <StreamMark state={live.stream.state.value} />
          {connections !== undefined && live.stream.state.value.status === 'connected' && (
            <span class="quiet">{plural(connections, 'connection')}</span>
          )}
        </p>
        <button type="button" aria-pressed={live.isPaused.value} onClick={() => live.togglePause()}>
          <Icon name={live.isPaused.value ? 'play' : 'pause'} size={16} />
          {live.isPaused.value ? 'Go on' : 'Pause'}
        </button>
      </div>
      <RateCharts live={live} />
      <LatencyChart live={live} />
      <Journeys live={live} />
      <DeadLetters live={live} />
    </>
  );
}

function StreamMark({ state }: { readonly state: StreamState }) {
  const now = state.status === 'waiting' ? nowMs.value : 0;
  return <StateMark {...streamInWords(state, now)} />;
}

function streamInWords(state: StreamState, now: number): StateInWords {
  switch (state.status) {
    case 'connected':
      return { tone: 'good', text: 'Streaming' };
    case 'connecting':
      return { tone: 'busy', text: 'Connecting …' };
    case 'waiting':
      return { tone: 'bad', text: `No connection, next try in ${secondsUntil(state.retryAt, now)} s` };
    case 'refused':
      return { tone: 'off', text: `Refused: ${state.code}` };
  }
}

const MAX_SHOWN = 50;

function Journeys({ live }: { readonly live: Live }) {
  const journeys = live.journeys.value;
  return (
    <section class="live-part" aria-labelledby="title-journeys">
      <div class="part-head">
        <h3 id="title-journeys">Recent events</h3>
        <p class="quiet">
          {live.isPaused.value && `${plural(live.held.value.length, 'step')} waiting while paused`}
          {!live.isPaused.value &&
            live.dropped.value > 0 &&
            `${countOf(live.dropped.value)} more steps counted, not shown`}
        </p>
        {journeys.length > 0 && (
          <button type="button" class="plain" onClick={() => live.clear()}>
            Clear
          </button>
        )}
      </div>
      {journeys.length === 0 ? (
        <p class="empty">
          {live.stream.state.value.status === 'connected'
            ? 'Nothing has come since this page was opened. Send something, and watch it on its way.'
            : 'What comes is not known while there is no connection.'}
        </p>
      ) : (
        <ol class="journeys">
          {journeys.slice(0, MAX_SHOWN).map((journey) => (
            <JourneyRow key={journey.key} journey={journey} />
          ))}
        </ol>
      )}
    </section>
  );
}

/** All dead letters in the queue, and not only those since the page was opened. */
function deadInWords(count: number | undefined): string {
  if (count === undefined) return 'How many lie there is not known now.';
  if (count === 0) return 'None. What cannot be delivered is kept, and told here with the reason.';
  const lie = count === 1 ? 'One lies there' : `${countOf(count)} lie there`;
  return `${lie}. Those that come while this page is open are told below.`;
}

function DeadLetters({ live }: { readonly live: Live }) {
  const dead = live.dead.value;
  const count = live.deadCount.value;
  return (
    <section class="live-part" aria-labelledby="title-dead">
      <div class="part-head">
        <h3 id="title-dead">Dead letters</h3>
        {count !== undefined && count > 0 && <span class="badge">{countOf(count)}</span>}
      </div>
      {(count !== 0 || dead.length === 0) && (
        <p class="empty">
          {deadInWords(count)} {count !== 0 && <a href={hashOf('dead-letters')}>Show what lies there</a>}
        </p>
      )}
      {dead.length > 0 && (
        <ol class="dead-letters">
          {dead.map(({ atMs, reason = 'unknown', detail, event }) => (
            <li key={`${atMs} ${event.source} ${event.id}`} class="dead-letter">
              <p>
                <code class="dead-reason">{reason}</code>
                <span class="dead-type">{event.type || 'no event'}</span>
                <time dateTime={new Date(atMs).toISOString()}>{clockTime(atMs)}</time>
              </p>
              <p class="dead-detail">{detail}</p>
              {event.id !== '' && (
                <p class="quiet">
                  {event.source} <code>{event.id}</code>{' '}
                  <a
                    href={hashOf('explain', { event: event.id, source: event.source })}
                    aria-label={`Explain ${event.id}`}
                  >
                    Explain
                  </a>
                </p>
              )}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
