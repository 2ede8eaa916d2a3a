/** One event's way through the middle: its audiences, then the inbox of each, then the settlement. */
import type { Audience } from './contract/audience.ts';
import { isExpired } from './contract/cloudevent.ts';
import { type Event, RETRACTION_TYPE } from './contract/event.ts';
import { encodeEvent } from './contract/notification.ts';
import { refuse } from './contract/refusal.ts';
import { type Appended, collapseKeyOf, type Entry, identityOf } from './inbox/inbox.ts';
import type { Lanes } from './inbox/lanes.ts';
import { ACK, type Handle, RELEASE } from './ingest/settlement.ts';
import { audiencesOf, type Route } from './routing/route.ts';

export interface DeliverOptions {
  readonly lanes: Lanes;
  readonly routes: readonly Route[];
  readonly maxAudiences: number;
  readonly isSampled: (event: Event) => boolean;
  readonly onAppended: (event: Event, audience: Audience, appended: Appended) => void;
}

export function createDeliver(options: DeliverOptions): Handle {
  const { lanes, routes, maxAudiences, isSampled, onAppended } = options;
  return async (event) => {
    const receivedAt = new Date();
    if (isExpired(event, receivedAt.getTime())) {
      const { refusal } = refuse('expired', `expired at ${event.expirytime}`, 'expirytime');
      return { kind: 'dead-letter', refusal };
    }
    const mapped = audiencesOf(event, routes, maxAudiences);
    if (!mapped.ok) return { kind: 'dead-letter', refusal: mapped.refusal };

    const textFor = encodeEvent(event, receivedAt);
    const { source, id } = event;
    const sampled = isSampled(event);
    const expires = event.expirytime === undefined ? {} : { expiresAtMs: Date.parse(event.expirytime) };
    const shadows = shadowsOf(event);
    const appends = mapped.value.map(async (audience) => {
      const entry: Entry = { source, id, text: textFor(audience), sampled, ...expires, ...shadows };
      onAppended(event, audience, await lanes.append(audience, entry));
    });
    // All have to end before the queue may be told anything, also when one was given up at shutdown.
    const results = await Promise.allSettled(appends);
    return results.every(({ status }) => status === 'fulfilled') ? ACK : RELEASE;
  };
}

/** Which earlier entries this event replaces or takes back. */
function shadowsOf(event: Event): Pick<Entry, 'collapseKey' | 'retracts'> {
  const collapseKey = collapseKeyOf(event);
  return {
    ...(collapseKey === undefined ? {} : { collapseKey }),
    ...(event.type === RETRACTION_TYPE ? retracts(event) : {}),
  };
}

function retracts({ source, data = {} }: Event): Pick<Entry, 'retracts'> {
  const { id, source: of = source } = data;
  return typeof id === 'string' && typeof of === 'string' ? { retracts: identityOf({ source: of, id }) } : {};
}
