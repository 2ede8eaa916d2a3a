/**
 * The canary: an event that a gateway sends itself, through RabbitMQ, the consumer, Redis and a room of its own. What
 * comes back proves that events get through; what does not is asked after, and the leg that failed is named.
 *
 * One is out at a time. It is *in doubt* from the first that was sent until one arrives live; a canary that the feed
 * had to read from the log proves nothing about subscriptions and ends no doubt. When the doubt has lasted for
 * {@link PATIENCE} intervals the canary *fails*. One that is lost for good is replaced after a minute, and each lives
 * for longer than that: whenever the consumer comes back, it finds one to answer.
 */
import type { PartHealth } from '../../contract/health.ts';
import { within } from '../../resilience/timeout.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';

/** `rabbitmq` did not confirm; `consumer` did not append; `redis` cannot be read; `subscription` brought nothing. */
const canaryLegs = ['rabbitmq', 'consumer', 'redis', 'subscription'] as const;

export type CanaryLeg = (typeof canaryLegs)[number];

export interface CanaryOptions {
  readonly everyMs: number;
  /** Resolves once the queue has confirmed it; rejects when it may not have it. */
  readonly publish: (id: string) => Promise<void>;
  /** The id of the newest canary in the log. Rejects when the log cannot be read. */
  readonly newest: () => Promise<string | undefined>;
  /** Milliseconds of a clock that nobody sets. */
  readonly now: () => number;
  readonly onArrived: (roundTripMs: number) => void;
  /** The leg that failed, as soon as it is known and when it becomes another; undefined when all is well again. */
  readonly onChange: (failed: CanaryLeg | undefined) => void;
  /** A leg failed on something that is no outage. */
  readonly onFault: (error: unknown) => void;
}

/** Told by this machine's clock and judged by the consumer's: longer than any two that let tokens work can differ. */
export const CANARY_LIFETIME_MS = 3_600_000;

const RESEND_MS = 60_000;

/** In intervals: with the interval before it, in which nothing was out, a failure is told after 2.5 of them. */
const PATIENCE = 1.5;

const TICKS_PER_INTERVAL = 5;

/** A read that hangs fails as one that is refused. */
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
  /** Whether the room is entered, or being entered. */
  #room: 'outside' | 'entering' | 'inside' = 'outside';
  /** The one that is awaited. */
  #out: Sent | undefined;
  #nextAtMs = 0;
  #inDoubtSinceMs: number | undefined;
  /** What the last canary that came to nothing failed of. */
  #suspect: CanaryLeg | undefined;
  #failed: CanaryLeg | undefined;
  #hasArrived = false;
  #isAsking = false;
  /** The feed reads from the log: what arrives now was not brought by a subscription. */
  #isHealing = false;

  constructor(options: CanaryOptions) {
    this.#options = options;
  }

  get health(): PartHealth {
    if (this.#failed !== undefined) return { ok: false, reason: this.#failed };
    return this.#hasArrived ? { ok: true } : { ok: false, reason: 'the first has not come back yet' };
  }

  /** Whether each leg works; none before anything is known. */
  get legs(): Readonly<Record<string, boolean>> {
    if (this.#failed === undefined && !this.#hasArrived) return {};
    return Object.fromEntries(canaryLegs.map((leg) => [leg, leg !== this.#failed]));
  }

  /** `enter`: enters the room; rejects when it cannot be entered now, and then is tried again. */
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

  /** MUST be called with the id of each that arrives, also of those that nobody waits for. */
  arrived(id: string): void {
    const sent = this.#sent.get(id);
    if (sent === undefined) return;
    const nowMs = this.#options.now();
    this.#sent.delete(id);
    if (this.#isHealing) {
      this.#suspect = 'subscription';
      if (this.#out === sent) this.#giveUp(nowMs);
      return;
    }
    this.#sent.clear();
    this.#out = undefined;
    this.#inDoubtSinceMs = undefined;
    this.#suspect = undefined;
    this.#hasArrived = true;
    this.#options.onArrived(nowMs - sent.atMs);
    this.#become(undefined);
  }

  /** The feed of the room found in the log what no subscription had brought. */
  healed(): void {
    this.#isHealing = true;
  }

  /** What is due now: the next one, or a look at why the one that is out does not come. */
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

  /** Not awaited any more; the next goes out with the next tick. */
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
    // It may have arrived while the log was read.
    if (failed !== undefined && this.#inDoubtSinceMs === doubtMs) this.#become(failed);
  }

  /** Undefined while it is not known: the latest one left only a moment ago. */
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
