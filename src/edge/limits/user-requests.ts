/**
 * Limits what each user's requests may cost this process, over all sockets and HTTP requests. A request is let in
 * while the user's budget is not used up. Its cost is charged while it is answered, and may take the budget below
 * zero, so that no work is abandoned halfway. The code that does the work limits what one request can cost.
 */

import { type Meter, REQUEST_COST } from '../../pipeline/inbox/meter.ts';
import { SweptMap } from '../../resilience/swept-map.ts';
import type { RequestGrant, RequestLimits } from './request-limits.ts';
import { Allowance } from './token-bucket.ts';

export interface UserRequestsOptions {
  /** Units of a user's budget that come back each second. Ten seconds' worth may be spent at once. */
  readonly costPerSecond: number;
  /** How many requests of one user are answered at the same time. */
  readonly atOnce: number;
  readonly now: () => number;
  readonly onCost: (units: number) => void;
  readonly onRefused: (reason: 'cost' | 'waiting') => void;
}

const BURST_SECONDS = 10;

/** How many requests may wait for others of the same user: as many devices may ask at the same moment. */
const MAX_WAITING = 60;

/** The delay for a user with too many waiting requests; some of them are answered by then. */
const WAITING_RETRY_MS = 1_000;

interface Usage {
  readonly budget: Allowance;
  underWay: number;
  readonly waiting: (() => void)[];
}

export class UserRequests implements RequestLimits {
  readonly #options: UserRequestsOptions;
  /** Without those that have no request and a full budget. */
  readonly #users: SweptMap<string, Usage>;

  constructor(options: UserRequestsOptions) {
    this.#options = options;
    this.#users = new SweptMap(({ underWay, budget }) => underWay === 0 && budget.isWhole(options.now()));
  }

  async begin(user: string, isWanted: () => boolean): Promise<RequestGrant> {
    const usage = this.#usageOf(user);
    const spent = this.#refusal(usage);
    if (spent !== undefined) return spent;
    if (usage.underWay >= this.#options.atOnce) {
      if (usage.waiting.length >= MAX_WAITING) return this.#refuse('waiting', WAITING_RETRY_MS);
      // A request that ends passes its place on to one that waits.
      await new Promise<void>((resolve) => usage.waiting.push(resolve));
      const late = isWanted() ? this.#refusal(usage) : { ok: false as const, retryAfterMs: 0 };
      if (late !== undefined) {
        this.#end(usage);
        return late;
      }
    } else usage.underWay += 1;
    const meter = this.#meterOf(usage);
    meter.spend(REQUEST_COST);
    let isOver = false;
    const end = () => {
      if (!isOver) this.#end(usage);
      isOver = true;
    };
    return { ok: true, meter, end };
  }

  #end(usage: Usage): void {
    const next = usage.waiting.shift();
    if (next === undefined) usage.underWay -= 1;
    else next();
  }

  #meterOf({ budget }: Usage): Meter {
    const { now, onCost } = this.#options;
    return {
      spend: (units) => {
        budget.spend(units, now());
        onCost(units);
      },
    };
  }

  #refusal({ budget }: Usage): RequestGrant | undefined {
    const waitMs = budget.waitMs(this.#options.now());
    return waitMs === 0 ? undefined : this.#refuse('cost', waitMs);
  }

  #refuse(reason: 'cost' | 'waiting', retryAfterMs: number): RequestGrant {
    this.#options.onRefused(reason);
    return { ok: false, retryAfterMs };
  }

  #usageOf(user: string): Usage {
    const known = this.#users.get(user);
    if (known !== undefined) return known;
    const { costPerSecond: perSecond, now } = this.#options;
    const budget = new Allowance({ perSecond, burst: perSecond * BURST_SECONDS }, now());
    const usage = { budget, underWay: 0, waiting: [] };
    this.#users.set(user, usage);
    return usage;
  }
}
