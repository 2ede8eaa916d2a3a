/** Everything for one number of partitions, with a Redis of its own, and the rounds that are measured on it. */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { z } from 'zod';
import { logKeyOf } from '../../../src/adapters/redis/keys.ts';
import type { Audience } from '../../../src/contract/audience.ts';
import { type RedisServer, startRedis } from '../../../test/support/redis.ts';
import { until } from '../../../test/support/until.ts';
import type { Driver } from '../../support/driver.ts';
import { type MadeEvent, Payloads } from '../../support/payload.ts';
import { cpuMicrosOf, machineMicros, workerOf } from '../../support/process-cpu.ts';
import { openProducer } from '../../support/producer.ts';
import { Consumers } from './consumers.ts';

export const DATA_BYTES = 512;
export const USERS = 1_000;
/** The number of events that the producer sends at a time. */
const PORTION = 1_000;
const TAKEN_TIMEOUT_MS = 120_000;
/** Enough for the last acknowledgements and outcomes to be written. */
const SETTLE_MS = 300;

const idSchema = z.object({ id: z.string() });

/** CPU figures are in microseconds per event. */
export interface Round {
  readonly perSecond: number;
  readonly consumers: number;
  /** RabbitMQ's cost from the producer into the queues. */
  readonly rabbitMqIn: number;
  /** RabbitMQ's cost from the queues to the consumers, including their acknowledgements. */
  readonly rabbitMqOut: number;
  readonly redis: number;
  /** The share of all cores that other processes used while the events were taken. */
  readonly othersShare: number;
}

interface Parts {
  readonly server: RedisServer;
  readonly consumers: Consumers;
  readonly producer: Driver;
  readonly redis: Redis;
}

export class Stage {
  readonly partitions: number;
  readonly #parts: Parts;
  readonly #pids: { readonly rabbitMq: number; readonly redis: number };
  readonly #payloads = new Payloads(DATA_BYTES);
  /** The ids of published events, in their order. */
  readonly #published = new Map<Audience, string[]>();
  #made = 0;

  private constructor(partitions: number, parts: Parts, rabbitMqPid: number) {
    this.partitions = partitions;
    this.#parts = parts;
    this.#pids = { rabbitMq: workerOf(rabbitMqPid), redis: workerOf(parts.server.pid) };
  }

  /** The caller MUST pass a vhost that nobody else uses. Resolves when each consumer has one partition. */
  static async open(partitions: number, rabbitMqPid: number, amqpUrl: string): Promise<Stage> {
    const server = await startRedis();
    let consumers: Consumers | undefined;
    try {
      consumers = await Consumers.start(partitions, amqpUrl, server.url);
      const producer = await openProducer(amqpUrl, ({ audience }) => audience.join());
      const redis = new Redis(server.url);
      const stage = new Stage(partitions, { server, consumers, producer, redis }, rabbitMqPid);
      await consumers.spread(() => stage.#publish(USERS));
      return stage;
    } catch (error) {
      await consumers?.stop();
      await server.stop();
      throw error;
    }
  }

  get redisUrl(): string {
    return this.#parts.server.url;
  }

  /**
   * Publishes `eventsEach` events per consumer while all consumers are frozen, and then measures how they take them.
   */
  async round(eventsEach: number): Promise<Round> {
    const events = eventsEach * this.partitions;
    const { consumers } = this.#parts;
    await this.#taken();
    await consumers.pause();
    const rabbitMqBefore = cpuMicrosOf(this.#pids.rabbitMq);
    await this.#publish(events);
    const before = this.#spent();
    const startMs = performance.now();
    await consumers.resume();
    await this.#taken();
    const elapsedMs = performance.now() - startMs;
    await pause(SETTLE_MS);
    const after = this.#spent();
    const spent = (of: Exclude<keyof typeof before, 'machine'>) => after[of] - before[of];
    const ours = spent('consumers') + spent('rabbitMq') + spent('redis') + spent('own');
    const others = after.machine.used - before.machine.used - ours;
    return {
      perSecond: (events / elapsedMs) * 1_000,
      consumers: spent('consumers') / events,
      rabbitMqIn: (before.rabbitMq - rabbitMqBefore) / events,
      rabbitMqOut: spent('rabbitMq') / events,
      redis: spent('redis') / events,
      othersShare: Math.max(0, others / (after.machine.all - before.machine.all)),
    };
  }

  /** @throws {Error} when an event is missing, came twice or is out of order */
  async checkArrived(): Promise<void> {
    for (const [audience, published] of this.#published) {
      const entries = await this.#parts.redis.xrange(logKeyOf(audience, 'log'), '-', '+');
      const ids = entries.map(([, fields]) => idIn(fields[fields.indexOf('n') + 1] ?? ''));
      if (ids.join() !== published.join())
        throw new Error(`${this.partitions} partitions: the log of ${audience} is not what was published`);
    }
  }

  async close(): Promise<void> {
    const { server, consumers, producer, redis } = this.#parts;
    redis.disconnect();
    await producer.close();
    await consumers.stop();
    await server.stop();
  }

  #spent() {
    const { user, system } = process.cpuUsage();
    return {
      consumers: this.#parts.consumers.cpuMicros,
      rabbitMq: cpuMicrosOf(this.#pids.rabbitMq),
      redis: cpuMicrosOf(this.#pids.redis),
      own: user + system,
      machine: machineMicros(),
    };
  }

  async #publish(events: number): Promise<void> {
    for (let left = events; left > 0; left -= PORTION) {
      this.#parts.producer.send(Array.from({ length: Math.min(left, PORTION) }, () => this.#next()));
      await this.#parts.producer.settled();
    }
  }

  #next(): MadeEvent {
    const audience: Audience = `user:${this.#made % USERS}`;
    this.#made += 1;
    const event = this.#payloads.next(audience);
    const ids = this.#published.get(audience);
    if (ids === undefined) this.#published.set(audience, [event.id]);
    else ids.push(event.id);
    return event;
  }

  /** Resolves when all events are appended. Each event makes one entry in one log. */
  async #taken(): Promise<void> {
    await until('all events to be taken', TAKEN_TIMEOUT_MS, async () => {
      const stats = await this.#parts.redis.info('commandstats');
      return Number(/^cmdstat_xadd:calls=(\d+)/m.exec(stats)?.[1] ?? 0) >= this.#made;
    });
  }
}

function idIn(notification: string): string {
  return idSchema.parse(JSON.parse(notification)).id;
}
