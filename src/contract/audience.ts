/** Whom a notification is for: `user:42`, `department:sales`, `topic:ticker.btc-usd` or `global`, and the room of each. */
import { z } from 'zod';
import { decodeId, encodeId, faultOfId, faultOfTopic, normalised } from './id.ts';

export type AudienceKind = 'user' | 'department' | 'topic' | 'global';

export type Audience = 'global' | `${Exclude<AudienceKind, 'global'>}:${string}`;

const IN_WORDS =
  '1 to 128 characters of Unicode, without commas, braces, control and invisible characters, and spaces at its ends';
/** As much of it as a pattern can say. */
const CHARACTERS = '[^\\p{Cc}\\p{Zl}\\p{Zp},{}]{1,128}';

/** Text that is normalised (NFC) on its way in. `faultOf`: what keeps it from being what is meant; undefined: nothing. */
export function normalisedText(faultOf: (text: string) => string | undefined) {
  return z
    .string()
    .overwrite(normalised)
    .refine((text) => faultOf(text) === undefined, { error: ({ input }) => faultOf(String(input)) ?? '' });
}

/** An id as it stands behind `user:` and `department:`. */
export const audienceIdSchema = normalisedText(faultOfId).meta({
  pattern: `^${CHARACTERS}$`,
  description: `${IN_WORDS}. Normalised (NFC) where it comes in.`,
});

/** The same behind `topic:`. */
export const topicSchema = normalisedText(faultOfTopic).meta({
  pattern: `^${CHARACTERS}$`,
  description: `${IN_WORDS}, and without * and #.`,
});

export const audienceSchema = z
  .custom<Audience>()
  .overwrite(normalisedAudience)
  .refine(isAudience, {
    error: ({ input }) =>
      (typeof input === 'string' ? faultOfAudience(normalised(input)) : NO_AUDIENCE) ?? '',
  })
  .meta({
    id: 'Audience',
    type: 'string',
    pattern: `^(global|(user|department|topic):${CHARACTERS})$`,
    description: `Whom a notification is for. An id has ${IN_WORDS}; of a topic also without * and #.`,
    examples: ['user:42'],
  });

const NO_AUDIENCE = 'an audience is "global", or "user:", "department:" or "topic:" with an id';

/** What most audiences look like: nothing else has to be asked of them. */
const PLAIN = /^(?:user|department|topic):[A-Za-z0-9._~@:+-]{1,128}$/;
const KIND = /^(?:user|department|topic):/;

/** What keeps a text from being an audience, and what would be right. MUST be normalised. */
export function faultOfAudience(text: string): string | undefined {
  if (text === 'global' || PLAIN.test(text)) return undefined;
  const kind = KIND.exec(text)?.[0];
  if (kind === undefined) return NO_AUDIENCE;
  const id = text.slice(kind.length);
  return kind === 'topic:' ? faultOfTopic(id) : faultOfId(id);
}

export function isAudience(text: unknown): text is Audience {
  return typeof text === 'string' && faultOfAudience(text) === undefined;
}

/** As whoever sends to it and whoever hears of it mean the same; what is no audience stays as it is. */
function normalisedAudience(audience: Audience): Audience {
  const text = typeof audience === 'string' ? normalised(audience) : audience;
  return isAudience(text) ? text : audience;
}

export function audienceKind(audience: Audience): AudienceKind {
  if (audience === 'global') return 'global';
  if (audience.startsWith('user:')) return 'user';
  return audience.startsWith('topic:') ? 'topic' : 'department';
}

/** What stands behind the kind: the user, the department or the topic. `global` has no id: empty. */
export function idOf(audience: Audience): string {
  return audience === 'global' ? '' : audience.slice(audience.indexOf(':') + 1);
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
 * The Socket.IO room of an audience, percent-encoded: its channel is ASCII. The braces make its Redis channel share a
 * Cluster slot with the audience's keys, so that one script may write the log and publish to the room.
 */
export function roomOf(audience: Audience): string {
  return `{${encodeId(audience)}}`;
}

/** The audience of a room, or undefined for rooms that are not an audience's (each socket has one of its own). */
export function audienceOf(room: string): Audience | undefined {
  if (!room.startsWith('{') || !room.endsWith('}')) return undefined;
  const text = decodeId(room.slice(1, -1));
  return isAudience(text) ? text : undefined;
}
