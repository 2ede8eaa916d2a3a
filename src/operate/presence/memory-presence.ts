/** Presence within one process: embedded mode. */
import type { Audience } from '../../contract/audience.ts';
import type { Host, KnownDevice, PresentSession } from '../../contract/presence.ts';
import {
  type Change,
  connectedBefore,
  DEAD_AFTER_MS,
  deviceOf,
  fieldOf,
  MAX_DEVICES,
  ordered,
  type PresenceStore,
  type RoomCount,
  type Rooms,
  type StoredPresence,
} from './presence-store.ts';

interface UserRecord {
  readonly sessions: Map<string, PresentSession>;
  /** Ordered by when they left, the latest last. */
  readonly devices: Map<string, KnownDevice>;
}

interface NodeRecord {
  beatMs: number;
  readonly rooms: Map<Audience, RoomCount>;
}

/**
 * When there are this many users, devices of those who have gone are forgotten. Nothing else limits this process's
 * memory.
 */
const MAX_USERS = 10_000;

export class MemoryPresence implements PresenceStore {
  readonly #deadAfterMs: number;
  readonly #users = new Map<string, UserRecord>();
  readonly #nodes = new Map<string, NodeRecord>();

  constructor(deadAfterMs = DEAD_AFTER_MS) {
    this.#deadAfterMs = deadAfterMs;
  }

  async write(changes: readonly Change[]): Promise<void> {
    for (const change of changes) {
      const record = this.#users.get(change.user) ?? { sessions: new Map(), devices: new Map() };
      this.#users.set(change.user, record);
      if ('present' in change) record.sessions.set(change.present.session, change.present);
      else if ('gone' in change) leave(record, change.gone);
      else record.sessions.delete(change.forgotten);
    }
    if (this.#users.size <= MAX_USERS) return;
    for (const [user, { sessions }] of this.#users) {
      if (sessions.size === 0) this.#users.delete(user);
      if (this.#users.size <= MAX_USERS) return;
    }
  }

  async beat(node: string, { isAll, occupied }: Rooms): Promise<boolean> {
    const known = this.#nodes.get(node);
    const isKnown = known !== undefined && Date.now() - known.beatMs <= this.#deadAfterMs;
    const rooms = isKnown && !isAll ? known.rooms : new Map<Audience, RoomCount>();
    for (const [audience, roomCounts] of occupied) {
      if (roomCounts === undefined) rooms.delete(audience);
      else rooms.set(audience, roomCounts);
    }
    this.#nodes.set(node, { beatMs: Date.now(), rooms });
    return isKnown;
  }

  async leave(node: string): Promise<void> {
    this.#nodes.delete(node);
  }

  async of(user: string) {
    const record = this.#users.get(user);
    if (record === undefined) return { sessions: [], devices: [] };
    for (const session of record.sessions.values()) {
      const heardMs = this.#nodes.get(session.node)?.beatMs ?? Date.parse(session.connectedAt);
      if (Date.now() - heardMs > this.#deadAfterMs) leave(record, deviceOf(session, heardMs));
    }
    return ordered([...record.sessions.values()], [...record.devices.values()], Date.now());
  }

  async stored(user: string): Promise<StoredPresence> {
    const { sessions, devices } = this.#users.get(user) ?? { sessions: new Map(), devices: new Map() };
    return { sessions: [...sessions.values()], devices: [...devices.values()] };
  }

  async erase(user: string, beforeMs: number): Promise<void> {
    const record = this.#users.get(user);
    if (record === undefined) return;
    const isEarlier = connectedBefore(beforeMs);
    for (const records of [record.sessions, record.devices])
      for (const [name, known] of records) if (isEarlier(known)) records.delete(name);
    if (record.sessions.size + record.devices.size === 0) this.#users.delete(user);
  }

  async hosts(audience: Audience): Promise<readonly Host[]> {
    return [...this.#nodes].flatMap(([node, { beatMs, rooms }]) => {
      const roomCounts = Date.now() - beatMs > this.#deadAfterMs ? undefined : rooms.get(audience);
      return roomCounts === undefined ? [] : [{ node, ...roomCounts }];
    });
  }

  /** Writing always works. */
  onBack(): void {}
}

function leave({ sessions, devices }: UserRecord, device: KnownDevice): void {
  sessions.delete(device.session);
  const field = fieldOf(device);
  devices.delete(field);
  devices.set(field, device);
  const [longestGone] = devices.keys();
  if (devices.size > MAX_DEVICES && longestGone !== undefined) devices.delete(longestGone);
}
