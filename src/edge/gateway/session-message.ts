/** The `session` message, which a client gets when its session begins and again when its departments have changed. */
import type { Audience } from '../../contract/audience.ts';
import type { ClientLimits } from '../../contract/client-limits.ts';
import { EMPTY_HEAD } from '../../contract/notification.ts';
import type { Session as SessionMessage } from '../../contract/socket.ts';
import type { Identity } from '../../contract/token.ts';
import type { Opened } from '../../pipeline/inbox/user-inbox.ts';
import { withMarks } from './missed-marks.ts';
import type { Entered } from './room-join.ts';

interface Facts {
  readonly audiences: readonly Audience[];
  readonly entered: readonly Entered[];
  readonly opened: Opened;
  readonly limits: ClientLimits;
  /** The client presented cursors. */
  readonly isRecovery: boolean;
}

export function sessionMessage(
  session: string,
  identity: Identity,
  { audiences, entered, opened, limits, isRecovery }: Facts,
): SessionMessage {
  const places = new Map(entered.map(({ audience, head }) => [audience, head]));
  const heads = audiences.map((audience) => {
    const { epoch, offset } = places.get(audience) ?? EMPTY_HEAD;
    return [audience, { epoch, head: offset }] as const;
  });
  const missed = entered.flatMap(({ audience, missed }) =>
    missed === undefined ? [] : [[audience, withMarks(missed, audience, opened)] as const],
  );
  const { heads: _, ...counted } = opened.counted;
  return {
    session,
    user: identity.user,
    departments: [...identity.departments],
    audiences: Object.fromEntries(heads),
    ...counted,
    kept: opened.kept,
    ...(opened.ahead === undefined ? {} : { ahead: opened.ahead }),
    expiresAt: new Date(identity.expiresAtMs).toISOString(),
    serverTime: new Date().toISOString(),
    ...(isRecovery ? { missed: Object.fromEntries(missed) } : {}),
    limits,
  };
}
