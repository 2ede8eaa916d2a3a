/** Where it is kept who is connected where. Redis and memory implement it. */
import type { Audience } from '../../contract/audience.ts';
import type { Host, KnownDevice, PresentSession } from '../../contract/presence.ts';

/** A node that was not heard of for so long is dead. */
export const DEAD_AFTER_MS = 15_000;

/** How long a user who does not come is remembered. */
export const KEPT_MS = 31 * 86_400_000;

/** How long a device without a name is remembered: it never comes back under the same one. */
const NAMELESS_KEPT_MS = 7 * 86_400_000;

/** Most devices of one user; beyond that the longest gone are forgotten. */
export const MAX_DEVICES = 64;

/** What became of one session. */
export type Change =
  | { readonly user: string; readonly present: PresentSession }
  | { readonly user: string; readonly gone: KnownDevice };

export interface RoomCount {
  readonly users: number;
  readonly sessions: number;
}

/** What a node says of its rooms: of those that changed, or of all. Nobody is in a room with no occupancy. */
export interface Rooms {
  readonly isAll: boolean;
  readonly occupied: ReadonlyMap<Audience, RoomCount | undefined>;
}

export interface PresenceStore {
  /**
   * MUST keep the changes of one user in the order of the calls, and reject when some may not be kept; then the same
   * may be written again. A session that is written again replaces what was known of it.
   */
  write(changes: readonly Change[]): Promise<void>;

  /**
   * The node is alive. Answers false when it was taken for dead, or what it had said of its rooms is not there: the
   * caller MUST then say all of them, and write all of its sessions again.
   */
  beat(node: string, rooms: Rooms): Promise<boolean>;

  /** The node goes down, and its sessions have been written as gone. */
  leave(node: string): Promise<void>;

  /**
   * MUST NOT tell sessions of dead nodes as present: they become devices that left when their node was last heard of.
   * Devices that are connected under the same name are left out.
   */
  of(
    user: string,
  ): Promise<{ readonly sessions: readonly PresentSession[]; readonly devices: readonly KnownDevice[] }>;

  /** The living nodes that host the audience's room; not for audiences of users. */
  hosts(audience: Audience): Promise<readonly Host[]>;

  /** Calls back when writing works again after it may not have worked. */
  onBack(listener: () => void): void;
}

/** What becomes of a session whose node died: the places where it began are the last that are known. */
export function deviceOf(
  { address: _, transport: _t, ...session }: PresentSession,
  leftMs: number,
): KnownDevice {
  return { ...session, disconnectedAt: new Date(leftMs).toISOString() };
}

/** Under which name a device is kept. */
export function fieldOf({ device, session }: Pick<KnownDevice, 'device' | 'session'>): string {
  return device ?? session;
}

/** As they are told: sessions by age, and the devices that are not connected now. */
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

/** ISO timestamps sort as their text does. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
