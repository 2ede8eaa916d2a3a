/** Recovery: which cursors are presented, and what becomes of the answer, audience by audience. */
import type { Missed } from '../contract/recovery.ts';
import type { Resync, Session } from '../contract/socket.ts';
import type { CursorMap } from './cursors.ts';
import { CarillonError } from './errors.ts';
import type { Requests } from './requests.ts';
import type { User } from './user.ts';

type Heads = Resync['audiences'];
type MissedByAudience = NonNullable<Session['missed']>;

/** For the handshake. A topic is asked about when it is entered, so that nothing falls between. */
export function presentable(cursors: CursorMap = new Map()) {
  const entries = [...cursors].filter(([audience]) => !audience.startsWith('topic:'));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Tells what was missed, then what was held. Returns the audiences of which something may be lost. */
export function recoverAll({ ordering }: User, heads: Heads, missed: MissedByAudience = {}): Heads {
  const missedOf = new Map<string, Missed | undefined>(Object.entries(missed));
  const lost: Heads = {};
  for (const [audience, head] of Object.entries(heads)) {
    const answer = missedOf.get(audience);
    const { epoch, head: offset } = answer ?? head;
    if (ordering.recover(audience, { epoch, head: offset }, answer)) lost[audience] = { epoch, head: offset };
  }
  return lost;
}

/** Asks what was missed since the cursors that an earlier page has left. */
export async function catchUp(
  user: User,
  heads: Heads,
  requests: Requests,
  isPresent: () => boolean,
): Promise<MissedByAudience> {
  user.ordering.restore(await user.load());
  const cursors = Object.fromEntries([...user.ordering.cursors].filter(([audience]) => audience in heads));
  if (Object.keys(cursors).length === 0) return {};
  const answer = await requests.askUntilAnswered('sync', () => {
    if (!isPresent()) throw new CarillonError('closed', 'the next session asks for itself');
    return { cursors };
  });
  return answer.audiences;
}
