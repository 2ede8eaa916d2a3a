/**
 * What each user's requests may cost this process, whichever sockets and HTTP requests they come by. A request is let
 * in while the user's budget is not spent; what it then costs is charged while it is answered and may take the
 * budget below zero, so that no work is thrown away half-done. How much one request can cost is bounded where the
 * work is done.
 */

import { type Meter, REQUEST_COST } from '../../pipeline/inbox/meter.ts';
import type { RequestGrant, RequestLimits } from './request-limits.ts';
import { Allowance } from './token-bucket.ts';

export interface UserRequestsOptions {
  /** Units of a user's budget that come back in a second; ten seconds of them may be spent at once. */
  readonly costPerSecond: number;
  /** Requests of one user that are answered at the same time. */
  readonly atOnce: number;
  readonly now: () => number;
  readonly onCost: (units: number) => void;
  readonly onRefused: (reason: 'cost' | 'waiting') => void;
}

const BURST_SECONDS = 10;

/** Requests that wait for others of the same user: as many devices may ask at the same moment. */
const MAX_WAITING = 60;

/** For who has too many waiting: some of them are answered by then. */
const WAITING_RETRY_MS = 1_000;

/** Users that are looked through for those whose budget is whole again, when there are so many more. */
const SWEEP_AT = 1_000;

interface Usage {
  readonly budget: Allowance;
  underWay: number;
  readonly waiting: (() => void)[];
}

export class UserRequests implements RequestLimits {
  readonly #options: UserRequestsOptions;
  readonly #users = new Map<string, Usage>();
  #sweepAt = SWEEP_AT;

  constructor(options: UserRequestsOptions) {
    this.#options = options;
  }

  async begin(user: string, isWanted: () => boolean): Promise<RequestGrant> {
    const usage = this.#usageOf(user);
    const spent = this.#refusal(usage);
    if (spent !== undefined) return spent;
    if (usage.underWay >= this.#options.atOnce) {
      if (usage.waiting.length >= MAX_WAITING) return this.#refuse('waiting', WAITING_RETRY_MS);
      // Whoever ends hands over its place.
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
    if (this.#users.size > this.#sweepAt) this.#sweep(usage);
    return usage;
  }

  /** Forgets whoever asks for nothing and has spent nothing. */
  #sweep(newest: Usage): void {
    const nowMs = this.#options.now();
    for (const [user, usage] of this.#users) {
      if (usage !== newest && usage.underWay === 0 && usage.budget.isWhole(nowMs)) this.#users.delete(user);
    }
    this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#users.size);
  }
}
