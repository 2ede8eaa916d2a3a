/** Recovery: which cursors are presented, and what becomes of the answer, audience by audience. */
import type { Missed } from '../../contract/recovery.ts';
import type { Resync } from '../../contract/socket.ts';
import type { Announcer } from './announcer.ts';
import type { CursorMap } from './cursors.ts';
import { DEFAULT_LIMITS, partsOf } from './limits.ts';
import { closed, type Requests } from './requests.ts';
import type { User } from './user.ts';

type Heads = Resync['audiences'];
type Answers = Readonly<Record<string, Missed | undefined>>;

/** Whose recovery it is, and who is told of it. */
interface Recovering {
  readonly user: User;
  readonly requests: Requests;
  readonly announcer: Announcer;
  /** Whether this recovery still counts: the next session begins its own. */
  readonly isPresent: () => boolean;
}

/**
 * For the handshake, and no more than a server takes there: which it will be is not known yet. A topic is asked about
 * when it is entered, so that nothing falls between.
 */
export function presentable(cursors: CursorMap): CursorMap {
  const entries = [...cursors].filter(([audience]) => !audience.startsWith('topic:'));
  return new Map(entries.slice(-DEFAULT_LIMITS.cursorsPerRequest));
}

/** Between two parts: the app may have requests of its own. */
const PART_PAUSE_MS = 200;

/**
 * Tells what was missed, then what was held. Where one answer could not hold it all, asks for the rest first. Announces
 * the audiences of which something may be lost. `missed` undefined: it has not been asked for yet.
 */
export async function recover(
  { user, requests, announcer, isPresent }: Recovering,
  heads: Heads,
  missed: Answers | undefined,
): Promise<void> {
  let rest = heads;
  const sync = async (): Promise<Answers> => {
    const { cursors } = user.ordering;
    const asked = [...cursors].filter(([audience]) => audience in rest);
    const answers: Answers = {};
    for (const part of partsOf(asked, requests.limits.cursorsPerRequest, requests.limits)) {
      const answer = await requests.askUntilAnswered('sync', () => {
        if (!isPresent()) throw closed();
        return { cursors: Object.fromEntries(part), partial: true };
      });
      Object.assign(answers, answer.audiences);
    }
    return answers;
  };
  try {
    for (let answers = missed; isPresent(); answers = await sync()) {
      if (answers === undefined) continue;
      rest = recoverOnce(user, rest, answers, announcer);
      if (isEmpty(rest)) return;
      await requests.pause(PART_PAUSE_MS);
    }
  } catch (error) {
    if (!isPresent()) return;
    announcer.error(error);
    recoverOnce(user, rest, {}, announcer);
    announcer.resync(rest);
  }
}

/** Answers of which audiences there is more. */
function recoverOnce({ ordering }: User, heads: Heads, missed: Answers, announcer: Announcer): Heads {
  const lost: Heads = {};
  const rest: Heads = {};
  for (const [audience, head] of Object.entries(heads)) {
    const answer = missed[audience];
    const { epoch, head: offset } = answer ?? head;
    const at = { epoch, head: offset };
    // Not told, and in the log all the same.
    const isThere = answer?.reason === 'too_large' || answer?.reason === 'rate_limited';
    if (!isThere && ordering.recover(audience, at, answer)) lost[audience] = at;
    if (isThere || answer?.more) rest[audience] = at;
  }
  if (!isEmpty(lost)) announcer.resync(lost);
  return rest;
}

const isEmpty = (entries: object) => Object.keys(entries).length === 0;
