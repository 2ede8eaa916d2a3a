/**
 * Judges whether a notification has reached its user. Except for expiry, it compares places in the log and not
 * clocks: a session that entered the room at or after the notification's place came later, whatever its clock said.
 */
import { type Audience, idOf } from '../contract/audience.ts';
import { RETRACTION_TYPE } from '../contract/event.ts';
import type { Cursor, Notification } from '../contract/notification.ts';
import type { Directory, UserPresence } from '../contract/presence.ts';
import { collapseKeyOf, type Inbox, identityOf } from '../pipeline/inbox/inbox.ts';
import { type Incarnation, reaches } from '../pipeline/inbox/incarnations.ts';
import { NO_MARKS, rebased } from '../pipeline/inbox/marks.ts';
import type { MarksStore } from '../pipeline/inbox/marks-store.ts';
import { contains } from '../pipeline/inbox/ranges.ts';
import { notificationIn } from '../pipeline/inbox/stored-notification.ts';
import type { Check } from './check.ts';
import type { UnreachedMemory } from './unreached-memory.ts';

/** Longer than a dead node's sessions still count as present. */
const NODES_CHECKED_MS = 20_000;

export interface ReachCheckOptions {
  readonly inbox: Pick<Inbox, 'read' | 'places' | 'shadows' | 'incarnations'>;
  readonly marks: Pick<MarksStore, 'load'>;
  readonly directory: Pick<Directory, 'sessionsOf'>;
  readonly memory: Pick<UnreachedMemory, 'fetchedUpTo'>;
  /** How long a check waits, each time. */
  readonly afterMs: number;
  readonly now: () => number;
}

/** The facts about the notification and its user. */
interface Facts {
  readonly check: Check;
  readonly notification: Notification;
  readonly presence: UserPresence;
  readonly fetched: Cursor;
  /** Enough time has passed to know which nodes have died, so a session that is still present is alive. */
  readonly areNodesChecked: boolean;
  readonly incarnations: readonly Incarnation[];
}

export type Verdict =
  | { readonly kind: 'unreached'; readonly user: string; readonly notification: Notification }
  /** The notification has reached the user, or does not exist or is not shown any more. */
  | { readonly kind: 'settled' }
  /** Not known yet. */
  | { readonly kind: 'open' };

const SETTLED: Verdict = { kind: 'settled' };

/** Rejects while Redis is away. */
export type ReachCheck = (check: Check) => Promise<Verdict>;

export function createReachCheck(options: ReachCheckOptions): ReachCheck {
  const { inbox, marks, directory, memory, afterMs, now } = options;
  return async (check) => {
    const { audience, offset } = check;
    const user = idOf(audience);
    const identity = identityOf(check);
    const [[stored], [place], shadows, incarnations, { byAudience }, presence, fetched] = await Promise.all([
      inbox.read(audience, offset, offset),
      inbox.places(audience, [identity]),
      inbox.shadows(audience),
      inbox.incarnations(audience),
      marks.load(user),
      directory.sessionsOf(user),
      memory.fetchedUpTo(audience),
    ]);
    if (stored === undefined || (stored.expiresAtMs ?? Number.POSITIVE_INFINITY) <= now()) return SETTLED;
    const notification = notificationIn(stored.json);
    if (identityOf(notification) !== identity || notification.type === RETRACTION_TYPE) return SETTLED;
    const key = collapseKeyOf(notification);
    const isReplaced = key !== undefined && (shadows.newest.get(key) ?? 0) > offset;
    if (isReplaced || (shadows.retracted.get(identity) ?? 0) > offset) return SETTLED;
    // The event was appended twice, and a gateway took the first one.
    if (place?.offset === offset && (place.gateways ?? 0) > 0) return SETTLED;
    const { seen } = rebased(
      byAudience.get(audience) ?? NO_MARKS,
      incarnations[0]?.epoch ?? '',
      incarnations,
    );
    if (contains(seen, offset)) return SETTLED;
    const areNodesChecked = check.waits * afterMs >= NODES_CHECKED_MS;
    const came = hasCome({ check, notification, presence, fetched, areNodesChecked, incarnations });
    if (came !== 'away') return came === 'come' ? SETTLED : { kind: 'open' };
    return { kind: 'unreached', user, notification };
  };
}

function hasCome(facts: Facts): 'come' | 'away' | 'unknown' {
  const { check, notification, presence, fetched, areNodesChecked, incarnations } = facts;
  const { audience } = check;
  const isPast = (cursor: Cursor | undefined) =>
    cursor !== undefined && reaches(cursor, notification, incarnations);
  const { sessions, devices } = presence;
  if (isPast(fetched)) return 'come';
  if ([...sessions, ...devices].some(({ audiences }) => isPast(placeIn(audiences, audience)))) return 'come';
  if (sessions.length === 0) return 'away';
  // These sessions began before the append, and no gateway took it. Their node is dead, or it was cut off and its
  // feed heals.
  return areNodesChecked ? 'come' : 'unknown';
}

function placeIn(audiences: Readonly<Record<string, Cursor>>, audience: Audience): Cursor | undefined {
  return Object.hasOwn(audiences, audience) ? audiences[audience] : undefined;
}
