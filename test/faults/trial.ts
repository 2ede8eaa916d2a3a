/**
 * A trial: numbered events flow to three devices of one user while something breaks, and the checker judges what each
 * device and the inbox ended up with. One device is plain and stays, one presents its cursors and goes to the next
 * gateway when it must, one is away from the fault's beginning until all is over.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import { tokenFor, untilReady } from '../support/carillon.ts';
import { Checker, flawless, type Seen, type Verdict } from '../support/checker.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { Producer } from '../support/producer.ts';
import { queueDepth } from '../support/queue-depth.ts';
import { TrackingClient } from '../support/tracking-client.ts';
import { until } from '../support/until.ts';
import type { TriedStack } from './fault-stack.ts';

const BATCH = 10;
const BATCH_EVERY_MS = 100;
const SETTLE_TIMEOUT_MS = 60_000;

export interface TrialOptions {
  /** Gateways that the tracking device tries before those of the stack. */
  readonly urls?: readonly string[];
  /**
   * Each event is published when RabbitMQ has confirmed the one before. Without that, an event that RabbitMQ gives back,
   * because no queue is bound, is queued after those that were published behind it.
   */
  readonly isOneByOne?: boolean;
}

export interface Report {
  readonly verdict: Verdict;
  /** What all three devices and the inbox should have, together. */
  readonly expected: number;
  readonly published: number;
  readonly confirmed: number;
  /** Seen by the devices that stayed. */
  readonly delivered: number;
  /** Seen by the device that was away, after it came back. */
  readonly recovered: number;
  readonly deadLettered: number;
  /** From the end of the fault until both devices that stayed had everything up to the first events after it. */
  readonly recoveryMs: number;
}

let trials = 0;

export class Trial {
  readonly checker = new Checker();
  /** Of the events that flow by themselves, and of {@link publish}. */
  readonly audiences: readonly Audience[];
  /** For events that a test publishes in another way than {@link publish}. */
  readonly ownAudience: Audience;
  /** Confirmed by RabbitMQ; a test that publishes in another way MUST count here. */
  confirmed = 0;
  readonly #what: string;
  readonly #stack: TriedStack;
  readonly #isOneByOne: boolean;
  readonly #producer: Producer;
  readonly #plain: TestClient;
  readonly #tracking: TrackingClient;
  readonly #away: TrackingClient;
  #isFlowing = true;
  /** One publish at a time: two could change places while RabbitMQ is away. */
  #publishing: Promise<void> = Promise.resolve();

  private constructor(what: string, stack: TriedStack, user: string, token: string, options: TrialOptions) {
    const { urls = [], isOneByOne = false } = options;
    this.#what = what;
    this.#stack = stack;
    this.#isOneByOne = isOneByOne;
    this.audiences = [`user:${user}`, `department:${user}`];
    this.ownAudience = `department:${user}-own`;
    this.#producer = new Producer(stack.amqpUrl);
    const all = stack.gateways.map(({ url }) => url);
    this.#plain = connectClient(all[0] ?? '', token);
    this.#tracking = new TrackingClient([...urls, ...all.toReversed()], token);
    this.#away = new TrackingClient(all, token);
  }

  /** Runs the fault once events flow, and judges when all is over. The fault ends when `fault` resolves. */
  static async run(
    what: string,
    stack: TriedStack,
    fault: (trial: Trial) => Promise<void>,
    options: TrialOptions = {},
  ): Promise<Report> {
    trials += 1;
    const user = `t${trials}`;
    const token = await tokenFor(user, { departments: [user, `${user}-own`] });
    const trial = new Trial(what, stack, user, token, options);
    try {
      return await trial.#run(fault);
    } finally {
      trial.#close();
    }
  }

  /** Resolves when RabbitMQ has confirmed so many more events, in their order. */
  publish(count: number): Promise<void> {
    this.#publishing = this.#publishing.then(async () => {
      const events = Array.from({ length: count }, (_, i) =>
        this.checker.next(this.audiences[i % this.audiences.length] ?? 'global'),
      );
      if (this.#isOneByOne) for (const event of events) await this.#producer.publish(event);
      else await this.#producer.publish(...events);
      this.confirmed += count;
    });
    return this.#publishing;
  }

  /** Runs `act` when all that was published has arrived, and before anything more is published. */
  whenAllArrived(act: () => Promise<void>): Promise<void> {
    this.#publishing = this.#publishing.then(async () => {
      const target = this.#published();
      await until(`all that was published: ${this.#what}`, SETTLE_TIMEOUT_MS, () => this.#haveSeen(target));
      await act();
    });
    return this.#publishing;
  }

  /** Resolves when so many more events have reached the devices that stayed. */
  async flows(count: number): Promise<void> {
    const target = Math.max(...this.#seenByStaying()) + count;
    await until(`${count} more events: ${this.#what}`, SETTLE_TIMEOUT_MS, () => this.#haveSeen(target));
  }

  /** How many entries the inbox has. */
  async appended(): Promise<number> {
    const { control } = this.#stack;
    const lengths = await Promise.all(this.audiences.map((audience) => control.xlen(logOf(audience))));
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  async #run(fault: (trial: Trial) => Promise<void>): Promise<Report> {
    // What an earlier fault broke must be whole again: a link that is down already would not notice this one.
    await this.#isWhole();
    await Promise.all([this.#plain.session(), this.#tracking.begun(1), this.#away.begun(1)]);
    const flowing = this.#flow();
    // It is awaited below, unless the fault fails first.
    flowing.catch(() => {});
    await this.flows(50);
    this.#away.leave();
    await fault(this);
    const recoveryMs = await this.#recovery();
    this.#isFlowing = false;
    await flowing;
    await this.#publishing;
    await this.#settled(() => this.#haveSeen(this.#published()));
    // Nothing flows any more: what this device gets now, it gets by recovery.
    const before = this.#seenBy(this.#away);
    this.#away.connect();
    await this.#settled(() => this.#seenBy(this.#away) >= this.#published());
    await this.#isWhole();
    return await this.#report(recoveryMs, this.#seenBy(this.#away) - before);
  }

  async #isWhole(): Promise<void> {
    for (const process of [...this.#stack.consumers, ...this.#stack.gateways]) {
      await untilReady(process, this.#what, SETTLE_TIMEOUT_MS);
    }
  }

  async #flow(): Promise<void> {
    while (this.#isFlowing) {
      const next = pause(BATCH_EVERY_MS);
      await this.publish(BATCH);
      await next;
    }
  }

  async #recovery(): Promise<number> {
    const endMs = performance.now();
    await this.publish(BATCH);
    const target = this.#published();
    await this.#settled(() => this.#haveSeen(target));
    return performance.now() - endMs;
  }

  /** Or not within the time: then the verdict tells what is missing. */
  async #settled(isTrue: () => boolean): Promise<void> {
    await until(this.#what, SETTLE_TIMEOUT_MS, isTrue).catch(() => {});
  }

  async #report(recoveryMs: number, recovered: number): Promise<Report> {
    const audiences = [...this.audiences, this.ownAudience];
    const seen: Seen[] = audiences.flatMap((audience) => [
      {
        audience,
        ids: this.#plain.notifications.filter((one) => one.audience === audience).map(({ id }) => id),
      },
      { audience, ids: this.#tracking.seen(audience) },
      { audience, ids: this.#away.seen(audience) },
    ]);
    for (const audience of audiences) seen.push({ audience, ids: await this.#idsInLog(audience) });
    const report = {
      verdict: this.checker.judge(seen),
      expected: 4 * this.#published(),
      published: this.#published(),
      confirmed: this.confirmed,
      delivered: this.#seenByStaying().reduce((sum, count) => sum + count),
      recovered,
      deadLettered: await queueDepth(this.#stack.amqpUrl, 'carillon.dead'),
      recoveryMs,
    };
    console.log(lineOf(this.#what, report));
    return report;
  }

  async #idsInLog(audience: Audience): Promise<string[]> {
    const rows = await this.#stack.control.xrange(logOf(audience), '-', '+');
    return rows.map(([, fields]): string => JSON.parse(fields[1] ?? '{}').id);
  }

  #published(): number {
    return [...this.audiences, this.ownAudience].reduce((sum, one) => sum + this.checker.count(one), 0);
  }

  #seenBy(client: TrackingClient): number {
    return [...this.audiences, this.ownAudience].reduce((sum, one) => sum + client.seen(one).length, 0);
  }

  #seenByStaying(): number[] {
    return [this.#plain.notifications.length, this.#seenBy(this.#tracking)];
  }

  #haveSeen(count: number): boolean {
    return this.#seenByStaying().every((seen) => seen >= count);
  }

  #close(): void {
    this.#isFlowing = false;
    for (const client of [this.#plain, this.#tracking, this.#away]) client.close();
    void this.#publishing.catch(() => {}).then(() => this.#producer.close());
  }
}

/** Everything reached everybody, once and in order, and so many events became dead letters. */
export function expectWhole({ verdict, expected, deadLettered }: Report, deadLetters = 0): void {
  expect(verdict).toEqual(flawless(expected));
  expect(deadLettered).toBe(deadLetters);
}

function logOf(audience: Audience): string {
  return `carillon:{${audience}}:log`;
}

/** What every case prints. */
export function lineOf(what: string, report: Omit<Report, 'expected'>): string {
  const { verdict, published, confirmed, delivered, recovered, deadLettered, recoveryMs } = report;
  const numbers = { published, confirmed, delivered, recovered, 'dead-lettered': deadLettered };
  const faults = Object.entries(verdict).flatMap(([fault, ids]) =>
    Array.isArray(ids) && (fault === 'lost' || ids.length > 0) ? [`${fault} ${ids.length}`] : [],
  );
  const all = [...Object.entries(numbers).map(([name, count]) => `${name} ${count}`), ...faults];
  return `${what}: ${all.join(', ')}, time to recover ${(recoveryMs / 1_000).toFixed(1)} s`;
}
