/**
 * Limits how much a producer may publish to all processes together: appends a second for each token's user. While the
 * shared count is away, the limit of this process alone counts.
 *
 * Redis counts upwards, so each command gets a run of numbers that nobody else gets, and those up to the limit are
 * granted. So a process may take several at once and none is granted twice or lost. For each user one command is under
 * way at a time; what is asked for meanwhile shares the next one. A process that has used some already takes
 * {@link IN_ADVANCE} of the limit more, which it then grants without asking.
 */

import { SweptMap } from '../../resilience/swept-map.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';
import { type EventQuota, MAX_QUOTA_SECONDS } from './request-limits.ts';

/** Counts what all processes take. Rejects while it is away. */
export interface SharedCount {
  take(
    user: string,
    points: number,
    seconds: number,
  ): Promise<{ readonly before: number; readonly remainingMs: number }>;
}

export interface SharedQuotaOptions {
  /** Over all processes. */
  readonly perSecond: number;
  readonly count: SharedCount;
  /** The limit of this process, for when the count is away. */
  readonly alone: EventQuota;
  /** A clock that never goes back. */
  readonly now: () => number;
  readonly onRefused: () => void;
  /** This process decided alone. */
  readonly onAlone: (error: unknown) => void;
  readonly onCounted: () => void;
}

/** What other processes cannot have of the limit while this one holds it. Below a hundred a second, nothing. */
const IN_ADVANCE = 1 / 100;

/** A count that failed is not asked again for so long: while Redis is silent, each command takes a second to fail. */
const ALONE_MS = 1_000;

/** A window's end is known up to the time that an answer takes; the next window ends a second later. */
const SAME_WINDOW_MS = 500;

interface Request {
  readonly appends: number;
  /** Undefined: granted. */
  readonly settle: (waitMs: number | undefined | Promise<number | undefined>) => void;
  readonly fail: (error: unknown) => void;
}

/** A user's present window, as this process knows it. */
interface Account {
  endsAtMs: number;
  /** Granted to this process, and not used yet. */
  left: number;
  /** By this process. */
  used: number;
  /** All processes together have taken everything. */
  isSpent: boolean;
  readonly waiting: Request[];
  isAsking: boolean;
}

export class SharedQuota implements EventQuota {
  readonly #options: SharedQuotaOptions;
  readonly #accounts: SweptMap<string, Account>;
  #aloneUntilMs = Number.NEGATIVE_INFINITY;
  #lastError: unknown;

  constructor(options: SharedQuotaOptions) {
    this.#options = options;
    this.#accounts = new SweptMap(({ isAsking, endsAtMs }) => !isAsking && endsAtMs <= options.now());
  }

  /** Answers from what this process knows: no command. */
  async spent(user: string): Promise<number | undefined> {
    const { now, alone, onRefused } = this.#options;
    const nowMs = now();
    if (nowMs < this.#aloneUntilMs) return await alone.spent(user);
    const account = this.#accounts.get(user);
    if (account === undefined || !account.isSpent || account.left > 0) return undefined;
    const waitMs = account.endsAtMs - nowMs;
    if (waitMs <= 0) return undefined;
    onRefused();
    return waitMs;
  }

  async take(user: string, appends: number): Promise<number | undefined> {
    if (this.#options.now() < this.#aloneUntilMs) return await this.#takeAlone(user, appends);
    const account = this.#accountOf(user);
    return await new Promise((settle, fail) => {
      account.waiting.push({ appends, settle, fail });
      if (!account.isAsking) void this.#answer(user, account);
    });
  }

  /** Answers all who wait, in their order. Never rejects. */
  async #answer(user: string, account: Account): Promise<void> {
    account.isAsking = true;
    try {
      for (let [next] = account.waiting; next !== undefined; [next] = account.waiting) {
        if (this.#settled(account, next)) account.waiting.shift();
        else await this.#ask(user, account, next);
      }
    } catch (error) {
      this.#failed(user, account.waiting.splice(0), error);
    }
    account.isAsking = false;
  }

  /** Whether the request could be answered with what is known. */
  #settled(account: Account, { appends, settle }: Request): boolean {
    const { now, perSecond, onRefused } = this.#options;
    const waitMs = account.endsAtMs - now();
    if (waitMs <= 0) return false;
    if (appends <= account.left) {
      account.left -= appends;
      account.used += appends;
      settle(undefined);
      return true;
    }
    // More than a whole share needs a window of its own.
    if (!account.isSpent && appends <= perSecond) return false;
    onRefused();
    settle(waitMs);
    return true;
  }

  async #ask(user: string, account: Account, next: Request): Promise<void> {
    const { now, perSecond, count, onCounted } = this.#options;
    if (account.endsAtMs <= now()) renew(account);
    const isLarge = next.appends > perSecond;
    const points = isLarge ? perSecond : this.#pointsFor(account);
    // A request larger than a share takes a whole one, and the seconds that follow.
    const seconds = isLarge ? Math.min(Math.ceil(next.appends / perSecond), MAX_QUOTA_SECONDS) : 1;
    const { before, remainingMs } = await count.take(user, points, seconds);
    onCounted();
    const endsAtMs = now() + remainingMs;
    if (endsAtMs > account.endsAtMs + SAME_WINDOW_MS) renew(account);
    account.endsAtMs = endsAtMs;
    account.isSpent = before + points >= perSecond;
    const granted = Math.min(Math.max(perSecond - before, 0), points);
    if (isLarge && granted === points) {
      account.waiting.shift();
      next.settle(undefined);
    } else account.left += granted;
  }

  /** What those who wait need and nobody has granted yet, and some in advance. */
  #pointsFor({ waiting, left, used }: Account): number {
    const { perSecond } = this.#options;
    let wanted = 0;
    for (const { appends } of waiting) {
      if (appends > perSecond || wanted > perSecond) break;
      wanted += appends;
    }
    const inAdvance = Math.min(Math.floor(perSecond * IN_ADVANCE), used);
    return Math.min(Math.max(wanted - left, 1) + inAdvance, perSecond);
  }

  #failed(user: string, requests: readonly Request[], error: unknown): void {
    if (!isUnavailable(error)) {
      for (const { fail } of requests) fail(error);
      return;
    }
    this.#aloneUntilMs = this.#options.now() + ALONE_MS;
    this.#lastError = error;
    for (const { appends, settle } of requests) settle(this.#takeAlone(user, appends));
  }

  async #takeAlone(user: string, appends: number): Promise<number | undefined> {
    const { alone, onAlone } = this.#options;
    onAlone(this.#lastError);
    return await alone.take(user, appends);
  }

  #accountOf(user: string): Account {
    const known = this.#accounts.get(user);
    if (known !== undefined) return known;
    const account: Account = {
      endsAtMs: Number.NEGATIVE_INFINITY,
      left: 0,
      used: 0,
      isSpent: false,
      waiting: [],
      isAsking: false,
    };
    this.#accounts.set(user, account);
    return account;
  }
}

/** Nothing of the last window counts in the next one. */
function renew(account: Account): void {
  account.left = 0;
  account.used = 0;
  account.isSpent = false;
}
