/** Stores who is connected where. Redis and memory implement it. */
import type { Audience } from '../../contract/audience.ts';
import type { Host, KnownDevice, PresentSession } from '../../contract/presence.ts';

/** A node that has not reported for this long is dead. */
export const DEAD_AFTER_MS = 15_000;

/** How long a user who does not connect is remembered. */
export const KEPT_MS = 31 * 86_400_000;

/** How long a device without a name is remembered. It never returns under the same id. */
const NAMELESS_KEPT_MS = 7 * 86_400_000;

/** Most devices of one user; beyond that, those that left longest ago are forgotten. */
export const MAX_DEVICES = 64;

/** What changed about one session: it is present, or gone; or gone without a trace, because its user was erased. */
export type Change =
  | { readonly user: string; readonly present: PresentSession }
  | { readonly user: string; readonly gone: KnownDevice }
  | { readonly user: string; readonly forgotten: string };

export interface RoomCount {
  readonly users: number;
  readonly sessions: number;
}

/** A node's report of its rooms: of those that changed, or of all. A room without a count is empty. */
export interface Rooms {
  readonly isAll: boolean;
  readonly occupied: ReadonlyMap<Audience, RoomCount | undefined>;
}

export interface StoredPresence {
  readonly sessions: readonly PresentSession[];
  readonly devices: readonly KnownDevice[];
}

export interface PresenceStore {
  /**
   * MUST keep one user's changes in the order of the calls. MUST reject when some may not be stored; the caller may
   * then write the same again. Writing a session again replaces what was stored.
   */
  write(changes: readonly Change[]): Promise<void>;

  /**
   * Reports that the node is alive. Resolves with false if the node was taken for dead or its rooms are not stored.
   * The caller MUST then report all of its rooms, and write all of its sessions again.
   */
  beat(node: string, rooms: Rooms): Promise<boolean>;

  /** The node shuts down, and its sessions have been written as gone. */
  leave(node: string): Promise<void>;

  /**
   * MUST NOT return sessions of dead nodes as present: they become devices that left when their node last reported.
   * Devices that are connected under the same name are left out.
   */
  of(user: string): Promise<StoredPresence>;

  /** All that is stored of the user, also what {@link of} leaves out. Changes nothing. */
  stored(user: string): Promise<StoredPresence>;

  /** Forgets the user's sessions and devices that connected before this moment. */
  erase(user: string, beforeMs: number): Promise<void>;

  /** The living nodes that host the audience's room. Not for audiences of users. */
  hosts(audience: Audience): Promise<readonly Host[]>;

  /** Calls back when writes work again after they may have failed. */
  onBack(listener: () => void): void;
}

/** The device for a session whose node died. The places where the session began are the last that are known. */
export function deviceOf(
  { address: _, transport: _t, ...session }: PresentSession,
  leftMs: number,
): KnownDevice {
  return { ...session, disconnectedAt: new Date(leftMs).toISOString() };
}

/** The name under which a device is stored. */
export function fieldOf({ device, session }: Pick<KnownDevice, 'device' | 'session'>): string {
  return device ?? session;
}

export function connectedBefore(beforeMs: number) {
  return ({ connectedAt }: Pick<KnownDevice, 'connectedAt'>) => Date.parse(connectedAt) < beforeMs;
}

/** As answers list them: sessions by age, and the devices that are not connected now. */
export function ordered(sessions: readonly PresentSession[], devices: readonly KnownDevice[], nowMs: number) {
  const here = new Set(sessions.map(({ device }) => device));
  const oldest = new Date(nowMs - NAMELESS_KEPT_MS).toISOString();
  return {
    sessions: sessions.toSorted((a, b) => compare(a.connectedAt, b.connectedAt)),
    devices: devices
      .filter(({ device, disconnectedAt }) =>
        device === undefined ? disconnectedAt > oldest : !here.has(device),
      )
      .toSorted((a, b) => compare(b.disconnectedAt, a.disconnectedAt)),
  };
}

/** ISO timestamps sort like text. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
