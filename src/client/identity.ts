/** What an event is to a client: which one it is, whether it takes another back, whether it is still of use. */
import type { Notification } from '../contract/notification.ts';

/** Which event it is. */
export interface EventIdentity {
  readonly source: string;
  readonly id: string;
}

/** A source holds no spaces, so that no two events share a key. */
export function keyOf({ source, id }: EventIdentity): string {
  return `${source} ${id}`;
}

/** The event that this notification takes back, when it is a retraction. */
export function retractedBy({ type, source, data }: Notification): EventIdentity | undefined {
  if (type !== 'carillon.retract' || typeof data.id !== 'string') return undefined;
  return { id: data.id, source: typeof data.source === 'string' ? data.source : source };
}

/** When the notification stops being of use; Infinity: never. */
export function expiresAtMs({ expirytime }: Notification): number {
  const atMs = expirytime === undefined ? Number.NaN : Date.parse(expirytime);
  return Number.isNaN(atMs) ? Number.POSITIVE_INFINITY : atMs;
}
