/** What an event is to a client: which one it is, whether it takes another back, whether it is still of use. */
import type { Notification } from '../../contract/notification.ts';
import { momentOf } from '../../contract/rfc3339.ts';
import type { Environment } from './environment.ts';

/** Which event it is. */
export interface EventIdentity {
  readonly source: string;
  readonly id: string;
}

/** A source holds no spaces, so that no two events share a key. */
export function eventKeyOf({ source, id }: EventIdentity): string {
  return `${source} ${id}`;
}

/** The event that this notification takes back, when it is a retraction. */
export function retractedBy({ type, source, data = {} }: Notification): EventIdentity | undefined {
  if (type !== 'carillon.retract' || typeof data.id !== 'string') return undefined;
  return { id: data.id, source: typeof data.source === 'string' ? data.source : source };
}

/** An id for an event of this client's. crypto.randomUUID is missing on pages without TLS and in React Native. */
export function newId({ now, random }: Pick<Environment, 'now' | 'random'>): string {
  const digits = () => random().toString(36).slice(2);
  return `${now().toString(36)}-${digits()}${digits()}`;
}

/** When the notification stops being of use; Infinity: never. */
export function expiresAtMs({ expirytime }: Notification): number {
  const atMs = expirytime === undefined ? Number.NaN : momentOf(expirytime);
  return Number.isNaN(atMs) ? Number.POSITIVE_INFINITY : atMs;
}
