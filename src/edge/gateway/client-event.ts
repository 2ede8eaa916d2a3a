/** Turns what a client publishes to a topic into an event, as if a service had published it. */
import { createHash, randomUUID } from 'node:crypto';
import { type ReadEvent, readStructured } from '../../contract/cloudevent.ts';
import { MAX_SOURCE_CHARACTERS, RETRACTION_TYPE } from '../../contract/event.ts';
import { encodeId } from '../../contract/id.ts';
import { type Read, refuse } from '../../contract/refusal.ts';
import type { PublishRequest } from '../../contract/socket.ts';
import { writeEvent } from '../../contract/written.ts';

/** Prefix of the event types that only Carillon publishes. */
const RESERVED = 'carillon.';

/**
 * The event's `source` is `/users/<user>`, percent-encoded. No other user's events have it, so it identifies the
 * author, and a client can retract only its own events. Refuses with `invalid_event` or `too_large`.
 */
export function clientEvent(user: string, request: PublishRequest, maxBytes: number): Read<ReadEvent> {
  const { topic, type, data, id = randomUUID() } = request;
  const source = sourceOf(user);
  if (type.startsWith(RESERVED) && type !== RETRACTION_TYPE) {
    return refuse('invalid_event', `types that begin with ${RESERVED} are Carillon's own`, 'type');
  }
  if (type === RETRACTION_TYPE && data.source !== undefined && data.source !== source) {
    return refuse('invalid_event', 'only your own events may be taken back', 'data.source');
  }
  const envelope = {
    specversion: '1.0',
    id,
    source,
    type,
    time: new Date().toISOString(),
    audience: [`topic:${topic}`],
    data,
  };
  const bytes = Buffer.from(writeEvent(envelope));
  if (bytes.length > maxBytes) return refuse('too_large', `${bytes.length} bytes are more than ${maxBytes}`);
  // Reading the bytes also checks the nesting, as for every other event.
  return readStructured(bytes);
}

/** An id that is too long for a source once encoded is replaced by its hash. An encoded id never contains a `*`. */
function sourceOf(user: string): string {
  const source = `/users/${encodeId(user)}`;
  if (source.length <= MAX_SOURCE_CHARACTERS) return source;
  return `/users/*${createHash('sha256').update(user).digest('base64url')}`;
}
