/** Whom a notification is for: `user:42`, `department:sales`, `topic:ticker.btc-usd` or `global`, and the room of each. */
import { z } from 'zod';

/** A CloudEvent may be for anybody whose id fits this; braces and `#` would break Redis hash tags and channels. */
const idSchema = z.string().regex(/^[A-Za-z0-9._~@:+-]{1,128}$/);

export const audienceSchema = z
  .union([z.literal('global'), z.templateLiteral([z.enum(['user', 'department', 'topic']), ':', idSchema])], {
    error:
      'an audience is "global", or "user:", "department:" or "topic:" with an id of 1 to 128 of A-Z a-z 0-9 . _ ~ @ : + -',
  })
  .meta({ id: 'Audience', description: 'Whom a notification is for.', examples: ['user:42'] });

export type Audience = z.infer<typeof audienceSchema>;

export type AudienceKind = 'user' | 'department' | 'topic' | 'global';

/** An id as it stands behind `user:`, `department:` or `topic:`. */
export const audienceIdSchema = idSchema;

export function isAudience(text: string): text is Audience {
  return audienceSchema.safeParse(text).success;
}

export function audienceKind(audience: Audience): AudienceKind {
  if (audience === 'global') return 'global';
  if (audience.startsWith('user:')) return 'user';
  return audience.startsWith('topic:') ? 'topic' : 'department';
}

/**
 * Topics that begin with this are Carillon's own. Clients can neither subscribe nor publish to them, whatever their
 * token says, and of all events only Carillon's own lead there.
 */
const OWN_TOPICS = 'carillon.';
const OWN_AUDIENCES = `topic:${OWN_TOPICS}`;

export function isOwnTopic(topic: string): boolean {
  return topic.startsWith(OWN_TOPICS);
}

/** True for the audience of a topic that is Carillon's own. */
export function isOwn(audience: Audience): boolean {
  return audience.startsWith(OWN_AUDIENCES);
}

/**
 * The Socket.IO room of an audience. The braces make its Redis channel share a Cluster slot with the
 * audience's keys, so that one script may write the log and publish to the room.
 */
export function roomOf(audience: Audience): string {
  return `{${audience}}`;
}

/** The audience of a room, or undefined for rooms that are not an audience's (each socket has one of its own). */
export function audienceOf(room: string): Audience | undefined {
  if (!room.startsWith('{') || !room.endsWith('}')) return undefined;
  const text = room.slice(1, -1);
  return isAudience(text) ? text : undefined;
}
