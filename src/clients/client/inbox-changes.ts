/** Changes of marks that may be about something that has not come yet, and pages that are on their way meanwhile. */
import type { InboxPage } from '../../contract/inbox.ts';
import type { Places } from './inbox-counts.ts';
import { type Change, changed, type Item } from './inbox-items.ts';

/** A change that the server made. */
export interface Made {
  readonly change: Change;
  readonly version: number;
  /** Where the logs stood: it means nothing behind. A server of before does not send it. */
  readonly heads: Places | undefined;
}

/** A page on its way. It does not have what happened after the server read it. */
export interface Load {
  readonly version: number;
  readonly changes: Made[];
  readonly reached: Places;
  readonly doubts: number;
}

/** A client that gets nothing of some logs never comes so far. */
const MAX_MADE = 100;

export class InboxChanges {
  readonly #reached: () => Places;
  readonly #loads = new Set<Load>();
  /** In the order of their versions. */
  #made: readonly Made[] = [];

  constructor(reached: () => Places) {
    this.#reached = reached;
  }

  begin(version: number, doubts: number): Load {
    const load = { version, changes: [], reached: this.#reached(), doubts };
    this.#loads.add(load);
    return load;
  }

  end(load: Load): void {
    this.#loads.delete(load);
  }

  add(made: Made): void {
    for (const load of this.#loads) load.changes.push(made);
    if (this.isAhead(made.heads ?? {})) this.#made = [...this.#made, made].sort(byVersion).slice(-MAX_MADE);
  }

  /** What came late, as the changes make it. */
  appliedTo(item: Item): Item {
    return this.#made.reduce(applied, item);
  }

  /** Something has come: what was about that is done. */
  settle(): void {
    this.#made = this.#made.filter(({ heads = {} }) => this.isAhead(heads));
  }

  clear(): void {
    this.#made = [];
  }

  /** Whether something up to there has not come yet. */
  isAhead(heads: Places): boolean {
    return isBehind(this.#reached(), heads);
  }
}

/** Changes that came while a page was on its way, on top of it. Those that it has already would change nothing. */
export function appliedSince(version: number, { changes }: Load, item: Item): Item {
  return changes
    .filter((made) => made.version > version)
    .sort(byVersion)
    .reduce(applied, item);
}

export function applied(item: Item, { change, version, heads }: Made): Item {
  const { audience, offset } = item.shown;
  const isBehindIt = heads !== undefined && offset > (heads[audience] ?? 0);
  return isBehindIt ? item : changed(item, change, version);
}

const byVersion = (a: Made, b: Made) => a.version - b.version;

/** Whether there is an audience in which these places are behind the others. */
export function isBehind(places: Places, others: Places): boolean {
  return Object.entries(others).some(([audience, offset]) => (places[audience] ?? 0) < offset);
}

/** Of a server of before: at least up to what had come, and what the page has. */
export function headsOf({ notifications }: InboxPage, { reached }: Load): Places {
  return notifications.reduce<Places>(
    (heads, { audience, offset }) => furthest(heads, { [audience]: offset }),
    reached,
  );
}

/** Of each audience the later place. */
export function furthest(places: Places, others: Places): Places {
  const later = Object.entries(others).filter(([audience, offset]) => offset > (places[audience] ?? 0));
  return { ...places, ...Object.fromEntries(later) };
}
