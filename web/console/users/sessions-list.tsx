/** The connections of a user, and the devices that are away, with how far each audience was sent to them. */
import { AudienceName } from '../parts/audience-name.tsx';
import { StateMark } from '../parts/connection.tsx';
import { moment } from '../words.ts';
import type { AtAudience, UserPresence } from './presence.ts';

interface SessionsListProps {
  readonly presence: UserPresence;
  readonly readAtMs: number;
}

export function SessionsList({ presence: { sessions, devices }, readAtMs }: SessionsListProps) {
  return (
    <>
      <h4>Connected</h4>
      {sessions.length === 0 && <p class="empty">No device is connected.</p>}
      <ul class="sessions" aria-label="Connected">
        {sessions.map(({ session, device, address, transport, node, connectedAt, places }) => (
          <li key={session} class="session">
            <p class="session-head">
              <StateMark tone="good" text="connected" />
              <DeviceName device={device} />
              <span class="quiet">
                since <Moment time={connectedAt} nowMs={readAtMs} />
              </span>
            </p>
            <p class="session-where quiet">
              <bdi>{transport}</bdi> from <bdi class="mono">{address}</bdi> to node{' '}
              <bdi class="mono">{node}</bdi>
            </p>
            <Places title="Live from behind" places={places} />
          </li>
        ))}
      </ul>
      <h4>Away</h4>
      {devices.length === 0 && <p class="empty">No device is known that left.</p>}
      <ul class="sessions" aria-label="Away">
        {devices.map(({ session, device, node, disconnectedAt, places }) => (
          <li key={session} class="session">
            <p class="session-head">
              <StateMark tone="off" text="away" />
              <DeviceName device={device} />
              <span class="quiet">
                since <Moment time={disconnectedAt} nowMs={readAtMs} />
              </span>
            </p>
            <p class="session-where quiet">
              left node <bdi class="mono">{node}</bdi>
            </p>
            <Places title="Sent up to" places={places} />
          </li>
        ))}
      </ul>
    </>
  );
}

function DeviceName({ device }: { readonly device: string | undefined }) {
  return device === undefined ? <span class="quiet">device without a name</span> : <bdi>{device}</bdi>;
}

function Moment({ time, nowMs }: { readonly time: string; readonly nowMs: number }) {
  return (
    <time dateTime={time} title={time}>
      {moment(time, nowMs)}
    </time>
  );
}

function Places({ title, places }: { readonly title: string; readonly places: readonly AtAudience[] }) {
  return (
    <p class="session-places">
      <span class="quiet">{title}</span>
      {places.length === 0 && <span class="quiet">no audience</span>}
      {places.map(({ audience, offset }) => (
        <span key={audience} class="place">
          <bdi>
            <AudienceName audience={audience} />
          </bdi>{' '}
          <span class="leg-offset">#{offset ?? '?'}</span>
        </span>
      ))}
    </p>
  );
}
