/** A slow model of a user's inbox that is plainly right, for tests that compare with it. */
import type { Audience } from '../../src/contract/audience.ts';
import { type Event, RETRACTION_TYPE } from '../../src/contract/event.ts';
import type { InboxItem, InboxQuery, MarkRequest } from '../../src/contract/inbox.ts';

/** An event, as it is made up. */
export interface Made {
  readonly id: string;
  readonly source: string;
  readonly audience: readonly Audience[];
  readonly collapsekey?: string | undefined;
  readonly retracts?: { readonly id: string; readonly source?: string | undefined } | undefined;
  readonly livesMs?: number | undefined;
}

/** One event's copy in one audience's log, as the model keeps it. */
interface Copy {
  readonly made: Made;
  readonly audience: Audience;
  readonly offset: number;
  readonly atMs: number;
  seen: boolean;
  read: boolean;
  archived: boolean;
}

export const EVERYBODY: readonly Audience[] = [
  'user:ada',
  'department:sales',
  'global',
  'department:ops',
  'user:bob',
];
/** Those of ada, in the order in which those of one moment stand. */
export const BY_RANK: readonly Audience[] = ['department:ops', 'department:sales', 'global', 'user:ada'];

export type Line = Pick<InboxItem, 'source' | 'id' | 'audience' | 'offset' | 'seen' | 'read' | 'archived'>;

/** A notification of a list in short. */
export function lineOf({ source, id, audience, offset, seen, read, archived }: Line): string {
  const flags = [seen && 'seen', read && 'read', archived && 'archived'].filter(Boolean);
  return [source, id, audience, offset, ...flags].join(' ');
}

/** What a user's inbox shows, computed in the plainest way from everything that ever happened. */
export class InboxModel {
  readonly copies: Copy[] = [];
  readonly #since = new Map<Audience, number>();
  readonly #maxLength: number;

  /** `maxLength`: what each log keeps. */
  constructor(maxLength = Number.POSITIVE_INFINITY) {
    this.#maxLength = maxLength;
  }

  head(audience: Audience): number {
    return this.copies.filter((copy) => copy.audience === audience).length;
  }

  open(): void {
    for (const audience of BY_RANK) {
      if (audience.startsWith('department:')) this.#since.set(audience, this.head(audience));
    }
  }

  make(made: Made, atMs: number): void {
    for (const audience of made.audience) {
      if (this.copies.some((copy) => copy.audience === audience && copy.made === made)) continue;
      const offset = this.head(audience) + 1;
      this.copies.push({ made, audience, offset, atMs, seen: false, read: false, archived: false });
    }
  }

  mark({ as, ids, events, upTo, all }: MarkRequest): void {
    for (const copy of this.copies.filter((one) => this.#isMine(one))) {
      const { id, source } = copy.made;
      const isNamed =
        events?.some((event) => event.id === id && event.source === source) ?? ids?.includes(id);
      const isMeant = isNamed ?? (all || copy.offset <= (upTo?.[copy.audience] ?? 0));
      if (!isMeant) continue;
      if (as === 'unread') Object.assign(copy, { read: false, archived: false });
      else copy.seen = true;
      if (as === 'read' || as === 'archived') copy.read = true;
      if (as === 'archived') copy.archived = true;
    }
  }

  shown(filter: InboxQuery['filter'], nowMs: number): string[] {
    const isIn = ({ seen, read, archived }: Copy) =>
      ({ all: !archived, archived, unseen: !archived && !seen, unread: !archived && !read })[filter];
    return this.copies
      .filter((copy) => this.#isShown(copy, nowMs) && isIn(copy))
      .toSorted(newestFirst)
      .filter(({ made }, i, all) => all.findIndex((first) => first.made === made) === i)
      .map(({ made, audience, offset, seen, read, archived }) =>
        lineOf({ ...made, audience, offset, seen, read, archived }),
      );
  }

  #isMine({ audience, offset }: Copy): boolean {
    const first = Math.max(this.#since.get(audience) ?? 0, this.head(audience) - this.#maxLength);
    return BY_RANK.includes(audience) && offset > first;
  }

  #isShown(copy: Copy, nowMs: number): boolean {
    const { made, audience, offset, atMs } = copy;
    if (!this.#isMine(copy) || made.retracts !== undefined) return false;
    if (made.livesMs !== undefined && nowMs >= atMs + made.livesMs) return false;
    return !this.copies.some((later) => {
      if (later.audience !== audience || later.offset <= offset) return false;
      const { retracts, source, collapsekey } = later.made;
      const isReplaced =
        made.collapsekey !== undefined && collapsekey === made.collapsekey && source === made.source;
      return isReplaced || (retracts?.id === made.id && (retracts.source ?? source) === made.source);
    });
  }
}

/** The event as a producer publishes it. */
export function eventOf(made: Made, nowMs: number): Event {
  const { id, source, audience, collapsekey, retracts, livesMs } = made;
  return {
    specversion: '1.0',
    id,
    source,
    type: retracts === undefined ? 'test.made' : RETRACTION_TYPE,
    audience: [...audience],
    ...(retracts !== undefined && { data: retracts }),
    ...(collapsekey !== undefined && { collapsekey }),
    ...(livesMs !== undefined && { expirytime: new Date(nowMs + livesMs).toISOString() }),
  };
}

function newestFirst(a: Copy, b: Copy): number {
  if (a.audience === b.audience) return b.offset - a.offset;
  return b.atMs - a.atMs || (a.audience < b.audience ? -1 : 1);
}
