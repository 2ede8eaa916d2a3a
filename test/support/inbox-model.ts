/** A slow but obviously correct model of a user's inbox. Tests compare the real inbox with it. */
import type { Audience } from '../../src/contract/audience.ts';
import { type Event, RETRACTION_TYPE } from '../../src/contract/event.ts';
import type { InboxItem, InboxQuery, MarkRequest } from '../../src/contract/inbox.ts';

/** An event as a test draws it. */
export interface Made {
  readonly id: string;
  readonly source: string;
  readonly audience: readonly Audience[];
  readonly collapsekey?: string | undefined;
  readonly retracts?: { readonly id: string; readonly source?: string | undefined } | undefined;
  readonly livesMs?: number | undefined;
}

/** Where and when a copy of an event was appended. */
export interface Place {
  readonly audience: Audience;
  readonly offset: number;
  readonly atMs: number;
  readonly endsAtMs: number;
}

/** A copy of an event in one audience's log, as the model keeps it. */
interface Copy extends Place {
  readonly made: Made;
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
/** Ada's audiences, in the order in which notifications of the same moment are listed. */
export const BY_RANK: readonly Audience[] = ['department:ops', 'department:sales', 'global', 'user:ada'];

export type Line = Pick<InboxItem, 'source' | 'id' | 'audience' | 'offset' | 'seen' | 'read' | 'archived'>;

/** One notification in a list, as a short line. */
export function lineOf({ source, id, audience, offset, seen, read, archived }: Line): string {
  const flags = [seen && 'seen', read && 'read', archived && 'archived'].filter(Boolean);
  return [source, id, audience, offset, ...flags].join(' ');
}

/** Computes what a user's inbox shows, in the simplest way, from everything that has ever happened. */
export class InboxModel {
  readonly copies: Copy[] = [];
  readonly #since = new Map<Audience, number>();
  readonly #maxLength: number;

  /** `maxLength`: how many entries each log keeps. */
  constructor(maxLength = Number.POSITIVE_INFINITY) {
    this.#maxLength = maxLength;
  }

  head(audience: Audience): number {
    return this.copies.findLast((copy) => copy.audience === audience)?.offset ?? 0;
  }

  open(): void {
    for (const audience of BY_RANK) {
      if (audience.startsWith('department:')) this.joined(audience, this.head(audience));
    }
  }

  /** The user belongs to the department from this offset on. */
  joined(department: Audience, offset: number): void {
    this.#since.set(department, offset);
  }

  make(made: Made, atMs: number): void {
    for (const audience of made.audience) {
      if (this.copies.some((copy) => copy.audience === audience && copy.made === made)) continue;
      const endsAtMs = atMs + (made.livesMs ?? Number.POSITIVE_INFINITY);
      this.place(made, { audience, offset: this.head(audience) + 1, atMs, endsAtMs });
    }
  }

  /** Appends a copy. Calls MUST come in the order of each audience's log. */
  place(made: Made, place: Place): void {
    this.copies.push({ made, ...place, seen: false, read: false, archived: false });
  }

  /** `heads`: the heads of the logs at the time of the mark, if the logs may have grown since. */
  mark({ as, ids, events, upTo, all }: MarkRequest, heads?: Readonly<Record<string, number>>): void {
    for (const copy of this.copies.filter((one) => this.#isMine(one))) {
      if (heads !== undefined && copy.offset > (heads[copy.audience] ?? 0)) continue;
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

  hasSeen(audience: Audience, offset: number): boolean {
    return this.copies.some((copy) => copy.audience === audience && copy.offset === offset && copy.seen);
  }

  #isMine({ audience, offset }: Copy): boolean {
    const first = Math.max(this.#since.get(audience) ?? 0, this.head(audience) - this.#maxLength);
    return BY_RANK.includes(audience) && offset > first;
  }

  #isShown(copy: Copy, nowMs: number): boolean {
    const { made, audience, offset, endsAtMs } = copy;
    if (!this.#isMine(copy) || made.retracts !== undefined || nowMs >= endsAtMs) return false;
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
