/**
 * Appends of one turn of the event loop leave together: one script for many audiences costs a fraction of one script
 * each, in this process and in Redis. On Cluster each audience goes alone, since they live in different slots.
 *
 * Together is only how they travel. When the script itself fails, each audience is tried alone, so that a key of the
 * wrong type in one of them is no other's fault; entries that were written before the failure answer as repeats.
 */
import { Cluster, Redis, ReplyError } from 'ioredis';
import { logKeyOf, onceKeyOf } from '../../adapters/redis/keys.ts';
import { MicroBatch } from '../../adapters/redis/micro-batch.ts';
import type { Replicas } from '../../adapters/redis/replicas.ts';
import { isTimeout, luaScript, runScript, unavailable } from '../../adapters/redis/script.ts';
import { type Audience, roomOf } from '../../contract/audience.ts';
import { InboxUnavailable } from '../../resilience/unavailable.ts';
import { type Appended, type Entry, type InboxLimits, identityOf, limitsOf } from './inbox.ts';
import { headerEndOf } from './live-message.ts';
import { bytesOf, WriteWindow } from './write-window.ts';

const APPEND = luaScript(...['log-state.lua', 'append.lua'].map((name) => new URL(name, import.meta.url)));

/** Bounds one script's run time in Redis: about 20 µs an entry. */
const MAX_ENTRIES = 100;

export interface RedisAppendOptions {
  /**
   * MUST reject at once while Redis is away, and MUST NOT send a command again after a reconnect: the script's
   * arguments name the node that they were made for.
   */
  readonly redis: Redis | Cluster;
  /** The `run_id` of the node that serves this key now; undefined while that is not known. */
  readonly runIdOf: (key: string) => string | undefined;
  /**
   * MUST be given with a Cluster: the connection to that very node. A command that a Cluster connection is given
   * follows its key to another node by itself, with arguments that name the node before.
   */
  readonly nodeOf?: (key: string) => Redis | undefined;
  /** The Pub/Sub channel of a room. */
  readonly channelOf: (room: string) => string;
  readonly limits: InboxLimits;
  /** Have to have an append before it counts. MUST be given only with connections that nothing else uses. */
  readonly replicas?: Replicas;
}

interface Call {
  readonly audience: Audience;
  readonly entries: readonly Entry[];
  readonly bytes: number;
  readonly resolve: (appended: readonly Appended[]) => void;
  readonly reject: (reason: unknown) => void;
}

/** What leaves for one node, in order: as much as its window holds, the rest when answers come. */
interface Way {
  readonly window: WriteWindow;
  readonly waiting: Call[];
}

export class RedisAppend {
  readonly #options: RedisAppendOptions;
  readonly #turn = new MicroBatch<Call>((calls) => this.#leave(calls));
  readonly #ways = new WeakMap<object, Way>();

  constructor(options: RedisAppendOptions) {
    this.#options = options;
  }

  /** @throws {InboxUnavailable} */
  append(audience: Audience, entries: readonly Entry[]): Promise<readonly Appended[]> {
    const bytes = entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
    return new Promise((resolve, reject) => {
      this.#turn.add({ audience, entries, bytes, resolve, reject });
    });
  }

  /** How many bytes of entries one call should carry now. */
  batchBytes(audience: Audience): number {
    return this.#wayTo(audience).window.limitBytes;
  }

  #leave(calls: readonly Call[]): void {
    const ways = new Set<Way>();
    for (const call of calls) {
      const way = this.#wayTo(call.audience);
      way.waiting.push(call);
      ways.add(way);
    }
    for (const way of ways) this.#go(way);
  }

  /** A node that hangs MUST NOT keep what goes to others. */
  #wayTo(audience: Audience): Way {
    const { redis, nodeOf } = this.#options;
    const node = (redis instanceof Cluster ? nodeOf?.(logKeyOf(audience, 'meta')) : undefined) ?? redis;
    const way = this.#ways.get(node) ?? { window: new WriteWindow(), waiting: [] };
    this.#ways.set(node, way);
    return way;
  }

  #go(way: Way): void {
    const { window, waiting } = way;
    const isAlone = this.#options.redis instanceof Cluster;
    for (;;) {
      let [count, entries, bytes] = [0, 0, 0];
      for (const call of waiting) {
        if (count > 0 && (isAlone || entries + call.entries.length > MAX_ENTRIES)) break;
        if (!window.fits(bytes + call.bytes, count > 0)) break;
        count += 1;
        entries += call.entries.length;
        bytes += call.bytes;
      }
      if (count === 0) return;
      void this.#send(waiting.splice(0, count), bytes, way);
    }
  }

  /** Never rejects: each call gets its own failure. */
  async #send(calls: readonly Call[], bytes: number, way: Way): Promise<void> {
    way.window.began(bytes);
    try {
      const appended = parseReply(await this.#run(calls), calls);
      way.window.succeeded(bytes);
      calls.forEach(({ resolve }, i) => {
        resolve(appended[i] ?? []);
      });
    } catch (error) {
      way.window.failed(bytes, isTimeout(error));
      // The append queue tries again, and then it has to be known where the key has gone.
      if (this.#options.redis instanceof Cluster) this.#options.redis.refreshSlotsCache();
      const isOfOne = !(error instanceof InboxUnavailable) || error.cause instanceof ReplyError;
      if (isOfOne && calls.length > 1) for (const call of calls) void this.#send([call], call.bytes, way);
      else for (const { reject } of calls) reject(error);
    }
    this.#go(way);
  }

  async #run(calls: readonly Call[]): Promise<unknown> {
    const { limits, channelOf, replicas } = this.#options;
    const [first] = calls;
    const { node, runId } = whoServes(
      first === undefined ? '' : logKeyOf(first.audience, 'meta'),
      this.#options,
    );
    const keys: string[] = [];
    const args: string[] = [runId];
    for (const { audience, entries } of calls) {
      const { maxLength, maxAgeMs, dedupeMs } = limitsOf(audience, limits);
      // As logKeysOf, without an array for each.
      keys.push(
        logKeyOf(audience, 'log'),
        logKeyOf(audience, 'meta'),
        logKeyOf(audience, 'newest'),
        logKeyOf(audience, 'retracted'),
      );
      args.push(channelOf(roomOf(audience)), `${maxLength} ${maxAgeMs} ${dedupeMs} ${entries.length}`);
      for (const entry of entries) {
        keys.push(onceKeyOf(audience, identityOf(entry)));
        pushEntry(args, entry);
      }
    }
    const reply = await unavailable(() => runScript(node, APPEND, keys, args));
    if (replicas !== undefined && node instanceof Redis) await replicas.have(node);
    return reply;
  }
}

/**
 * The connection on which a script may name the process that serves the key, and that process.
 *
 * @throws {InboxUnavailable} while they are not known
 */
export function whoServes(key: string, { redis, runIdOf, nodeOf }: RedisAppendOptions) {
  const runId = runIdOf(key);
  const node = redis instanceof Cluster ? nodeOf?.(key) : redis;
  if (runId === undefined || node === undefined) throw new InboxUnavailable('Redis is not connected');
  return { node, runId };
}

/** As append.lua reads it: the letters name what follows them, in their order. */
function pushEntry(args: string[], entry: Entry): void {
  const { text, expiresAtMs, collapseKey, retracts, route } = entry;
  let given = '';
  if (expiresAtMs !== undefined) given += 'x';
  if (collapseKey !== undefined) given += 'c';
  if (retracts !== undefined) given += 't';
  if (route !== undefined) given += 'r';
  args.push(text.head, text.tail, headerEndOf(entry), given);
  if (expiresAtMs !== undefined) args.push(String(expiresAtMs));
  if (collapseKey !== undefined) args.push(collapseKey);
  if (retracts !== undefined) args.push(retracts);
  if (route !== undefined) args.push(route);
}

/** @throws when it is no line of numbers for each call */
function parseReply(reply: unknown, calls: readonly Call[]): (readonly Appended[])[] {
  const lines = typeof reply === 'string' ? reply.split('\n') : [];
  if (lines.length !== calls.length) throw otherForm();
  return calls.map(({ entries }, i) => parseLine(lines[i] ?? '', entries.length));
}

function parseLine(line: string, count: number): Appended[] {
  const [epoch = '', ...numbers] = line.split(' ');
  if (numbers.length !== 3 * count) throw otherForm();
  return Array.from({ length: count }, (_, i) => ({
    epoch,
    offset: Number(numbers[3 * i]),
    repeat: numbers[1 + 3 * i] === '1',
    gateways: Number(numbers[2 + 3 * i]),
  }));
}

function otherForm(): Error {
  return new Error('the append script answered in another form than expected');
}
