/** The operators' desk for dead letters: list, show and discard; redrive.ts sends them again. */
import type {
  DeadLetter,
  DeadLetterDesk,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQuery,
  Missing,
  RedriveOrder,
  RedriveResult,
} from '../../contract/dead-letter.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { DeadLetterStore, Lease, StoredDeadLetter } from './dead-letter-store.ts';
import { type Assessment, redrive } from './redrive.ts';
import { type DeadLetterFacts, type Found, factsOf, matches, timeMs, viewOf } from './stored-dead-letter.ts';

export interface DeadLettersOptions extends Assessment {
  readonly store: DeadLetterStore;
  /** The event as JSON text without what must not be shown. */
  readonly redact: (envelope: JsonObject) => string;
  /** What one request looks at. More would hold too much, and take too long: a letter takes about a millisecond. */
  readonly bounds?: ScanBounds;
}

export interface ScanBounds {
  readonly maxDeadLetters: number;
  /** Of what is kept of the letters that fit. */
  readonly maxBytes: number;
}

const BOUNDS: ScanBounds = { maxDeadLetters: 5_000, maxBytes: 67_108_864 };

/** Characters of a body: in a list, and alone. */
const [SHOWN_IN_LIST, SHOWN_ALONE] = [4_096, 262_144];

interface Scan<Kept> {
  /** Oldest first, and those without a time last. */
  readonly found: readonly Found<Kept>[];
  readonly scanned: number;
  readonly isPartial: boolean;
}

export class DeadLetters implements DeadLetterDesk {
  readonly #options: DeadLettersOptions;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  async list({ limit, ...filter }: DeadLetterQuery): Promise<DeadLetterPage> {
    const scan = await this.#look(filter, SHOWN_IN_LIST);
    return {
      deadLetters: scan.found.slice(0, limit).map(withCopies),
      matched: scan.found.length,
      scanned: scan.scanned,
      isPartial: scan.isPartial,
    };
  }

  async show(id: string): Promise<DeadLetter | undefined> {
    const { found } = await this.#look({ ids: [id] }, SHOWN_ALONE);
    return found.map(withCopies)[0];
  }

  redrive(order: RedriveOrder): Promise<RedriveResult | Missing> {
    return this.#take(async (lease) => {
      const scan = await this.#scan(lease, order, (deadLetter) => ({
        kept: deadLetter,
        bytes: deadLetter.content.length,
      }));
      const missing = missingOf(order.ids, scan.found);
      if (missing.length > 0) return { missing };
      const { store } = this.#options;
      const result = await redrive(scan.found, order, {
        ...this.#options,
        canSendAgain: (deadLetter) => store.canSendAgain(deadLetter),
        sendAgain: (deadLetter) => store.sendAgain(deadLetter),
        settle: (tag) => lease.settle(tag),
      });
      return { ...result, isPartial: scan.isPartial };
    });
  }

  discard(ids: readonly string[]): Promise<{ readonly discarded: number } | Missing> {
    return this.#take(async (lease) => {
      const { found } = await this.#scan(lease, { ids: [...ids] }, () => ({ kept: undefined, bytes: 0 }));
      const missing = missingOf(ids, found);
      if (missing.length > 0) return { missing };
      for (const tag of found.flatMap(({ tags }) => tags)) lease.settle(tag);
      return { discarded: found.length };
    });
  }

  #look(filter: DeadLetterFilter, maxShown: number) {
    return this.#take((lease) =>
      this.#scan(lease, filter, (deadLetter, facts) => {
        const { redact, reader } = this.#options;
        const kept = viewOf(deadLetter, facts, redact, maxShown, reader);
        return { kept, bytes: kept.body?.length ?? 0 };
      }),
    );
  }

  async #take<T>(use: (lease: Lease) => Promise<T>): Promise<T> {
    const lease = await this.#options.store.take();
    try {
      return await use(lease);
    } finally {
      await lease.close();
    }
  }

  /** Takes all letters in hand, within the bounds, and keeps something of those that fit. */
  async #scan<Kept>(
    lease: Lease,
    filter: DeadLetterFilter,
    keep: (
      deadLetter: StoredDeadLetter,
      facts: DeadLetterFacts,
    ) => { readonly kept: Kept; readonly bytes: number },
  ): Promise<Scan<Kept>> {
    const { maxDeadLetters, maxBytes } = this.#options.bounds ?? BOUNDS;
    const found = new Map<string, Found<Kept>>();
    let [scanned, bytes, isPartial] = [0, 0, false];
    for (;;) {
      const taken = await lease.next();
      if (taken === undefined) break;
      scanned += 1;
      const facts = factsOf(taken.deadLetter, this.#options.reader);
      const known = found.get(facts.id);
      if (known !== undefined) known.tags.push(taken.tag);
      else if (matches(facts, filter)) {
        const { envelope: _, ...rest } = facts;
        const { kept, bytes: more } = keep(taken.deadLetter, facts);
        found.set(facts.id, { facts: rest, tags: [taken.tag], kept });
        bytes += more;
      }
      isPartial = scanned >= maxDeadLetters || bytes >= maxBytes;
      if (isPartial) break;
    }
    const byTime = [...found.values()].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
    return { found: byTime, scanned, isPartial };
  }
}

function orderOf({ facts, tags: [tag = 0] }: Found<unknown>): number {
  const atMs = timeMs(facts);
  // Tags are given in the queue's order, and are far fewer than a moment has parts here.
  return (Number.isNaN(atMs) ? Date.parse('9999-01-01') : atMs) + tag / 1e6;
}

function withCopies({ kept, tags }: Found<Omit<DeadLetter, 'copies'>>): DeadLetter {
  return { ...kept, copies: tags.length };
}

function missingOf(ids: readonly string[] | undefined, found: readonly Found<unknown>[]): string[] {
  const there = new Set(found.map(({ facts }) => facts.id));
  return (ids ?? []).filter((id) => !there.has(id));
}
