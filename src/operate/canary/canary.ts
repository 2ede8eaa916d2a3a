/**
 * The canary: an event that a gateway sends to itself, through RabbitMQ, the consumer, Redis and a room of its own. A
 * canary that comes back proves that events get through. When one does not, the leg of the way that failed is found
 * and named.
 *
 * One canary is out at a time. The gateway is *in doubt* from the first canary sent until one arrives live. A canary
 * that the feed had to read from the log proves nothing about subscriptions, so the doubt goes on. When it has lasted
 * for {@link PATIENCE} intervals, the canary *fails*. A canary that is lost for good is replaced after a minute. Each
 * one lives longer than that, so a consumer that returns finds one to answer.
 */
import type { PartHealth } from '../../contract/health.ts';
import { within } from '../../resilience/timeout.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';

/**
 * `rabbitmq`: did not confirm. `consumer`: did not append. `redis`: cannot be read. `subscription`: brought nothing.
 */
const canaryLegs = ['rabbitmq', 'consumer', 'redis', 'subscription'] as const;

export type CanaryLeg = (typeof canaryLegs)[number];

export interface CanaryOptions {
  readonly everyMs: number;
  /** Resolves once the queue has confirmed it; rejects when the queue may not have it. */
  readonly publish: (id: string) => Promise<void>;
  /** The id of the newest canary in the log. Rejects when the log cannot be read. */
  readonly newest: () => Promise<string | undefined>;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  readonly onArrived: (roundTripMs: number) => void;
  /** Called with the leg that failed, once it is known and when it changes; undefined when all is well again. */
  readonly onChange: (failed: CanaryLeg | undefined) => void;
  /** Called when a leg failed, and not because of an outage. */
  readonly onFault: (error: unknown) => void;
}

/**
 * The gateway's clock sets the expiry and the consumer's checks it. This is longer than two clocks can differ if
 * tokens still work.
 */
export const CANARY_LIFETIME_MS = 3_600_000;

const RESEND_MS = 60_000;

/**
 * In intervals. Together with the interval before, in which no canary was out, a failure is reported after 2.5 of
 * them.
 */
const PATIENCE = 1.5;

const TICKS_PER_INTERVAL = 5;

/** A read that takes this long counts as failed. */
const READ_MS = 1_000;

interface Sent {
  readonly id: string;
  readonly atMs: number;
  isConfirmed: boolean;
}

export class Canary {
  readonly #options: CanaryOptions;
  readonly #sent = new Map<string, Sent>();
  #enter: () => Promise<void> = () => Promise.reject(new Error('not started'));
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  /** Whether the gateway hosts the canary's room. */
  #room: 'outside' | 'entering' | 'inside' = 'outside';
  /** The canary that is out. */
  #out: Sent | undefined;
  #nextAtMs = 0;
  #inDoubtSinceMs: number | undefined;
  /** When the first was sent of those that none has come back after. */
  #awaitedSinceMs: number | undefined;
  /** The leg on which the last canary failed. */
  #suspect: CanaryLeg | undefined;
  #failed: CanaryLeg | undefined;
  #hasArrived = false;
  #isAsking = false;
  /** The feed is reading from the log: what arrives now did not come by a subscription. */
  #isHealing = false;

  constructor(options: CanaryOptions) {
    this.#options = options;
  }

  get health(): PartHealth {
    if (this.#failed !== undefined) return { ok: false, reason: this.#failed };
    return this.#hasArrived ? { ok: true } : { ok: false, reason: 'the first has not come back yet' };
  }

  /** Whether each leg works. Empty until anything is known. */
  get legs(): Readonly<Record<string, boolean>> {
    if (this.#failed === undefined && !this.#hasArrived) return {};
    return Object.fromEntries(canaryLegs.map((leg) => [leg, leg !== this.#failed]));
  }

  /** The leg that failed; undefined when none did, and while it is not known yet. */
  get failedLeg(): CanaryLeg | undefined {
    return this.#failed;
  }

  /** How long none has come back, since one was sent; undefined while none is on its way. */
  get awaitedForMs(): number | undefined {
    return this.#awaitedSinceMs === undefined ? undefined : this.#options.now() - this.#awaitedSinceMs;
  }

  /** `enter` enters the room. It rejects if that is impossible now, and is then called again. */
  start(enter: () => Promise<void>): void {
    this.#enter = enter;
    this.#inDoubtSinceMs = this.#options.now();
    this.tick();
    this.#timer = setInterval(() => this.tick(), this.#options.everyMs / TICKS_PER_INTERVAL);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** MUST be called with the id of each canary that arrives, even if nobody waits for it. */
  arrived(id: string): void {
    const sent = this.#sent.get(id);
    if (sent === undefined) return;
    const nowMs = this.#options.now();
    this.#sent.delete(id);
    if (this.#isHealing) {
      this.#suspect = 'subscription';
      if (this.#out === sent) this.#giveUp(nowMs);
      // It came through the queue all the same.
      this.#awaitedSinceMs = this.#out?.atMs;
      return;
    }
    this.#sent.clear();
    this.#out = undefined;
    this.#awaitedSinceMs = undefined;
    this.#inDoubtSinceMs = undefined;
    this.#suspect = undefined;
    this.#hasArrived = true;
    this.#options.onArrived(nowMs - sent.atMs);
    this.#become(undefined);
  }

  /** The feed of the room read from the log what no subscription had brought. */
  healed(): void {
    this.#isHealing = true;
  }

  /** Does what is due: sends the next canary, or finds out why the one that is out does not come back. */
  tick(): void {
    const nowMs = this.#options.now();
    if (this.#room === 'outside') void this.#goInside();
    const isOverdue = this.#out !== undefined && nowMs - this.#out.atMs >= RESEND_MS;
    if (this.#room === 'inside' && (this.#out === undefined ? nowMs >= this.#nextAtMs : isOverdue)) {
      void this.#send(nowMs);
    }
    if (this.#inDoubtSinceMs === undefined || nowMs - this.#inDoubtSinceMs < this.#patienceMs) return;
    void this.#askAfter(nowMs);
  }

  get #patienceMs(): number {
    return this.#options.everyMs * PATIENCE;
  }

  async #goInside(): Promise<void> {
    this.#room = 'entering';
    try {
      await this.#enter();
      this.#room = 'inside';
      this.tick();
    } catch (error) {
      this.#room = 'outside';
      this.#tellFault(error);
    }
  }

  async #send(nowMs: number): Promise<void> {
    this.#count += 1;
    const sent = { id: String(this.#count), atMs: nowMs, isConfirmed: false };
    for (const [id, { atMs }] of this.#sent) if (nowMs - atMs > CANARY_LIFETIME_MS) this.#sent.delete(id);
    this.#sent.set(sent.id, sent);
    this.#out = sent;
    this.#nextAtMs = nowMs + this.#options.everyMs;
    this.#inDoubtSinceMs ??= nowMs;
    this.#awaitedSinceMs ??= nowMs;
    this.#isHealing = false;
    try {
      await this.#options.publish(sent.id);
      sent.isConfirmed = true;
    } catch (error) {
      this.#tellFault(error);
      if (this.#out !== sent) return;
      this.#suspect = 'rabbitmq';
      this.#out = undefined;
    }
  }

  /** Stops waiting for the canary. The next tick sends another. */
  #giveUp(nowMs: number): void {
    this.#out = undefined;
    this.#nextAtMs = nowMs;
  }

  async #askAfter(nowMs: number): Promise<void> {
    if (this.#isAsking) return;
    const doubtMs = this.#inDoubtSinceMs;
    this.#isAsking = true;
    const failed = await this.#failedLeg(nowMs);
    this.#isAsking = false;
    // The canary may have arrived while the log was read.
    if (failed !== undefined && this.#inDoubtSinceMs === doubtMs) this.#become(failed);
  }

  /** The leg that failed. Undefined while it is unknown, because the last canary was sent only a moment ago. */
  async #failedLeg(nowMs: number): Promise<CanaryLeg | undefined> {
    const out = this.#out;
    if (this.#room !== 'inside') return (await this.#newest()) === 'unread' ? 'redis' : 'subscription';
    if (out === undefined || nowMs - out.atMs < this.#patienceMs) return this.#suspect;
    if (!out.isConfirmed) this.#suspect = 'rabbitmq';
    else {
      const newest = await this.#newest();
      if (newest === 'unread') this.#suspect = 'redis';
      else this.#suspect = newest.id === out.id ? 'subscription' : 'consumer';
    }
    return this.#suspect;
  }

  async #newest(): Promise<'unread' | { readonly id: string | undefined }> {
    const read = this.#options.newest().then(
      (id) => ({ id }),
      (error: unknown) => {
        this.#tellFault(error);
        return 'unread' as const;
      },
    );
    return await within(READ_MS, read, () => 'unread' as const);
  }

  #tellFault(error: unknown): void {
    if (!isUnavailable(error)) this.#options.onFault(error);
  }

  #become(failed: CanaryLeg | undefined): void {
    if (failed === this.#failed) return;
    this.#failed = failed;
    this.#options.onChange(failed);
  }
}
