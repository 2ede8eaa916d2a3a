/** The `session` message, which a client gets when its session begins and again when its departments have changed. */
import type { Audience } from '../../contract/audience.ts';
import type { ClientLimits } from '../../contract/client-limits.ts';
import { type Cursor, EMPTY_HEAD } from '../../contract/notification.ts';
import type { Session as SessionMessage } from '../../contract/socket.ts';
import type { Identity } from '../../contract/token.ts';
import type { Opened } from '../../pipeline/inbox/user-inbox.ts';
import { withMarks } from './missed-marks.ts';
import type { Entered } from './room-join.ts';

interface Facts {
  readonly audiences: readonly Audience[];
  readonly entered: readonly Entered[];
  readonly places: ReadonlyMap<Audience, Cursor>;
  readonly opened: Opened;
  readonly limits: ClientLimits;
  /** The client presented cursors. */
  readonly isRecovery: boolean;
}

export function sessionMessage(
  session: string,
  identity: Identity,
  { audiences, entered, places, opened, limits, isRecovery }: Facts,
): SessionMessage {
  const heads: SessionMessage['audiences'] = {};
  for (const audience of audiences) {
    const { epoch, offset } = places.get(audience) ?? EMPTY_HEAD;
    heads[audience] = { epoch, head: offset };
  }
  const { unseen, unread, version, until, spare } = opened.counted;
  // JSON leaves out what is undefined.
  return {
    session,
    user: identity.user,
    departments: [...identity.departments],
    audiences: heads,
    unseen,
    unread,
    version,
    until,
    spare,
    kept: opened.kept,
    ahead: opened.ahead,
    expiresAt: new Date(identity.expiresAtMs).toISOString(),
    serverTime: new Date().toISOString(),
    missed: isRecovery ? missedIn(entered, opened) : undefined,
    limits,
  };
}

function missedIn(entered: readonly Entered[], opened: Opened): SessionMessage['missed'] {
  const missed = entered.flatMap(({ audience, missed }) =>
    missed === undefined ? [] : [[audience, withMarks(missed, audience, opened)] as const],
  );
  return Object.fromEntries(missed);
}
