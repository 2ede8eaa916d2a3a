/**
 * Presence in Redis: two hashes per user (sessions and devices), and for each node its last beat and a hash of its
 * rooms.
 */

import { Cluster, type Redis } from 'ioredis';
import { z } from 'zod';
import { devicesKeyOf, NODES_KEY, roomsKeyOf, sessionsKeyOf } from '../../adapters/redis/keys.ts';
import { luaScript, runScript } from '../../adapters/redis/script.ts';
import type { Audience } from '../../contract/audience.ts';
import { readStored } from '../../contract/json.ts';
import {
  type Host,
  type KnownDevice,
  knownDeviceSchema,
  type PresentSession,
  presentSessionSchema,
} from '../../contract/presence.ts';
import {
  type Change,
  connectedBefore,
  DEAD_AFTER_MS,
  deviceOf,
  fieldOf,
  KEPT_MS,
  MAX_DEVICES,
  ordered,
  type PresenceStore,
  type Rooms,
  type StoredPresence,
} from './presence-store.ts';

const SESSIONS = luaScript(new URL('sessions.lua', import.meta.url));
const FORGET = luaScript(new URL('forget.lua', import.meta.url));
const BEAT = luaScript(new URL('beat.lua', import.meta.url));
const ALIVE = luaScript(new URL('alive.lua', import.meta.url));

/** Most changes in one script, which takes Redis about a millisecond. */
const MAX_CHANGES = 100;

/**
 * A user with more sessions than this probably has some of dead nodes. Reading them removes those; nothing else
 * would.
 */
const MANY_SESSIONS = 20;

export interface RedisPresenceOptions {
  /** MUST reject at once while Redis is away. */
  readonly redis: Redis | Cluster;
  /** @default DEAD_AFTER_MS */
  readonly deadAfterMs?: number;
}

interface Write {
  readonly changes: readonly Change[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class RedisPresence implements PresenceStore {
  readonly #redis: Redis | Cluster;
  readonly #deadAfterMs: number;
  #waiting: Write[] = [];
  #isWriting = false;

  constructor({ redis, deadAfterMs = DEAD_AFTER_MS }: RedisPresenceOptions) {
    this.#redis = redis;
    this.#deadAfterMs = deadAfterMs;
  }

  write(changes: readonly Change[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async beat(node: string, { isAll, occupied }: Rooms): Promise<boolean> {
    const rooms = [...occupied].flatMap(([audience, roomCounts]) => [
      audience,
      roomCounts === undefined ? '' : `${roomCounts.users} ${roomCounts.sessions}`,
    ]);
    const args = [node, this.#deadAfterMs, KEPT_MS, isAll ? '1' : '0', ...rooms];
    return (await runScript(this.#redis, BEAT, [NODES_KEY, roomsKeyOf(node)], args)) === 1;
  }

  async leave(node: string): Promise<void> {
    await Promise.all([this.#redis.zrem(NODES_KEY, node), this.#redis.del(roomsKeyOf(node))]);
  }

  async of(user: string) {
    const [sessions, devices] = await this.#storedOf(user);
    const present = parsed(sessions, presentSessionSchema);
    const known = parsed(devices, knownDeviceSchema).map(({ value }) => value);
    const { nowMs, beatsMs } = await this.#alive(present.map(({ value }) => value.node));
    const checked = present.map((one, i) => {
      const beatMs = beatsMs[i] ?? 0;
      // The session's start is by the node's own clock. It only counts until the node's first beat is known; a wrong
      // clock must not keep the dead alive.
      const beganMs = Math.min(Date.parse(one.value.connectedAt), nowMs);
      const heardMs = Math.max(beatMs, beganMs);
      return { ...one, heardMs, isDead: nowMs - (beatMs > 0 ? beatMs : beganMs) > this.#deadAfterMs };
    });
    const dead = checked.filter(({ isDead }) => isDead);
    const forgotten = dead.map(({ value, heardMs }) => deviceOf(value, heardMs));
    if (dead.length > 0) {
      const moves = dead.flatMap(({ value, json }, i) => {
        const device = forgotten[i] ?? deviceOf(value, 0);
        return [value.session, json, fieldOf(device), JSON.stringify(device)];
      });
      await runScript(this.#redis, FORGET, [sessionsKeyOf(user), devicesKeyOf(user)], [KEPT_MS, ...moves]);
    }
    const living = checked.filter(({ isDead }) => !isDead).map(({ value }) => value);
    const renamed = new Set(forgotten.map(({ device }) => device));
    const left = known.filter(({ device }) => device === undefined || !renamed.has(device));
    return ordered(living, [...left, ...forgotten], nowMs);
  }

  async stored(user: string): Promise<StoredPresence> {
    const [sessions, devices] = await this.#storedOf(user);
    return {
      sessions: parsed(sessions, presentSessionSchema).map(({ value }) => value),
      devices: parsed(devices, knownDeviceSchema).map(({ value }) => value),
    };
  }

  /** What this version cannot read goes too: nobody can say that it is newer. */
  async erase(user: string, beforeMs: number): Promise<void> {
    const isEarlier = connectedBefore(beforeMs);
    const remove = async (key: string) => {
      const fields = Object.entries(await this.#redis.hgetall(key)).flatMap(([field, json]) => {
        const known = readStored(connectedSchema, json);
        return known === undefined || isEarlier(known) ? [field] : [];
      });
      if (fields.length > 0) await this.#redis.hdel(key, ...fields);
    };
    await Promise.all([remove(sessionsKeyOf(user)), remove(devicesKeyOf(user))]);
  }

  async hosts(audience: Audience): Promise<readonly Host[]> {
    const { living } = await this.#alive([]);
    const said = await Promise.all(living.map((node) => this.#redis.hget(roomsKeyOf(node), audience)));
    return living.flatMap((node, i) => {
      const [users = 0, sessions = 0] = (said[i] ?? '').split(' ').map(Number);
      return sessions === 0 ? [] : [{ node, users, sessions }];
    });
  }

  onBack(listener: () => void): void {
    this.#redis.on('ready', listener);
  }

  #storedOf(user: string) {
    return Promise.all([this.#redis.hgetall(sessionsKeyOf(user)), this.#redis.hgetall(devicesKeyOf(user))]);
  }

  /** One write at a time, so that none overtakes another. What arrives meanwhile is written together. */
  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const writes = this.#waiting;
      this.#waiting = [];
      try {
        await this.#send(writes.flatMap(({ changes }) => changes));
        for (const { resolve } of writes) resolve();
      } catch (error) {
        for (const { reject } of writes) reject(error);
      }
    }
    this.#isWriting = false;
  }

  async #send(changes: readonly Change[]): Promise<void> {
    // In a Cluster users are in different slots, and one user's changes must stay in order.
    const atOnce = this.#redis instanceof Cluster ? 1 : MAX_CHANGES;
    const sent: Promise<void>[] = [];
    for (let i = 0; i < changes.length; i += atOnce) sent.push(this.#sendSome(changes.slice(i, i + atOnce)));
    await Promise.all(sent);
  }

  async #sendSome(changes: readonly Change[]): Promise<void> {
    const keys = changes.flatMap(({ user }) => [sessionsKeyOf(user), devicesKeyOf(user)]);
    const args = changes.flatMap((change) => {
      if ('present' in change) return [change.present.session, JSON.stringify(change.present), '', ''];
      if ('forgotten' in change) return [change.forgotten, '', '', ''];
      return [change.gone.session, '', fieldOf(change.gone), JSON.stringify(change.gone)];
    });
    const counts = await runScript(this.#redis, SESSIONS, keys, [KEPT_MS, MAX_DEVICES, ...args]);
    changes.forEach(({ user }, i) => {
      // If this fails, the user's next session triggers it again.
      if (Array.isArray(counts) && counts[i] > MANY_SESSIONS) this.of(user).catch(() => {});
    });
  }

  async #alive(nodes: readonly string[]) {
    const reply = await runScript(this.#redis, ALIVE, [NODES_KEY], [this.#deadAfterMs, ...nodes]);
    const [nowMs, living, beatsMs] = aliveSchema.parse(reply);
    return { nowMs, living, beatsMs };
  }
}

const connectedSchema = z.object({ connectedAt: z.string() });

const aliveSchema = z.tuple([z.number(), z.array(z.string()), z.array(z.number())]);

/** Skips what this version cannot read: another version may have written it. */
function parsed<T extends KnownDevice | PresentSession>(
  hash: Readonly<Record<string, string>>,
  schema: z.ZodType<T>,
): { readonly json: string; readonly value: T }[] {
  return Object.values(hash).flatMap((json) => {
    const value = readStored(schema, json);
    return value === undefined ? [] : [{ json, value }];
  });
}
