/** Admin commands in Redis: one stream, and a channel in the same slot that says that there is more. */

import type { Cluster, Redis } from 'ioredis';
import { ADMIN_COMMANDS_CHANNEL, ADMIN_COMMANDS_KEY } from '../../adapters/redis/keys.ts';
import { readStored } from '../../contract/json.ts';
import { type AdminCommand, adminCommandSchema } from './admin-command.ts';
import type { AdminCommandLog, CommandPlace, Kept } from './admin-command-log.ts';

const CHANNEL_BYTES = Buffer.from(ADMIN_COMMANDS_CHANNEL);

/** Read in one answer. */
const PAGE = 1_000;

/** What is used of the subscribing connection; ioredis' Redis and Cluster both have it. */
interface CommandSubscriber {
  on(event: 'smessageBuffer', listener: (channel: Buffer) => void): unknown;
  on(event: 'ready', listener: () => void): unknown;
  ssubscribe(channel: string): Promise<unknown>;
}

export interface RedisAdminCommandLogOptions {
  /** MUST reject at once while Redis is away. */
  readonly redis: Redis | Cluster;
  /** MUST wait for ever while Redis is away. */
  readonly subscriber: CommandSubscriber;
  /** No token lives for longer, so that older commands are of no use. */
  readonly keptMs: number;
  /** Redis' time, by which it numbers what is appended. */
  readonly now: () => number;
}

export class RedisAdminCommandLog implements AdminCommandLog {
  readonly #options: RedisAdminCommandLogOptions;

  constructor(options: RedisAdminCommandLogOptions) {
    this.#options = options;
  }

  async append(command: AdminCommand): Promise<void> {
    const { redis, keptMs, now } = this.#options;
    await redis.xadd(ADMIN_COMMANDS_KEY, 'MINID', '~', now() - keptMs, '*', 'd', JSON.stringify(command));
    // It is kept; who does not hear of it now reads it a little later.
    await redis.spublish(ADMIN_COMMANDS_CHANNEL, '').catch(() => {});
  }

  async read(after: CommandPlace | undefined): Promise<readonly Kept[]> {
    const all: Kept[] = [];
    for (let from = after; ; from = all.at(-1)?.place) {
      const page = await this.page(from);
      all.push(...page);
      if (page.length < PAGE) return all;
    }
  }

  async page(after: CommandPlace | undefined): Promise<readonly Kept[]> {
    const rows = await this.#options.redis.xrange(
      ADMIN_COMMANDS_KEY,
      after === undefined ? '-' : `(${after}`,
      '+',
      'COUNT',
      PAGE,
    );
    return rows.map(([place, [, text = '']]) => ({ place, command: parse(text) }));
  }

  async remove(places: readonly CommandPlace[]): Promise<void> {
    if (places.length > 0) await this.#options.redis.xdel(ADMIN_COMMANDS_KEY, ...places);
  }

  onNew(listener: () => void): void {
    const { redis, subscriber } = this.#options;
    // As bytes: ioredis would make strings of every live message for a listener of 'smessage'.
    subscriber.on('smessageBuffer', (channel) => {
      if (channel.equals(CHANNEL_BYTES)) listener();
    });
    // Either may have been away, and with it what was said or what was read.
    subscriber.on('ready', listener);
    redis.on('ready', listener);
    // While Redis is away it waits; a refusal would be an old Redis, which appends report first.
    subscriber.ssubscribe(ADMIN_COMMANDS_CHANNEL).catch(() => {});
  }
}

/** Undefined for a command of a newer version, which this one does not understand. */
function parse(text: string): AdminCommand | undefined {
  return readStored(adminCommandSchema, text);
}
