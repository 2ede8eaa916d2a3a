/**
 * Every key and channel of Carillon in Redis, but the channels of rooms, which are those of Socket.IO's adapter. What lies
 * under them is in docs/rabbitmq-and-redis.md; a name that changes needs a migration.
 */
import { type Audience, roomOf } from '../../contract/audience.ts';
import type { Cursor } from '../../contract/notification.ts';

/**
 * `log`: a stream of the notifications. `meta`: a hash of its epochs and head. Two sorted sets of offsets: `newest`, of the
 * last entry with each collapse key, and `retracted`, of the retraction of each event.
 */
const LOG_PARTS = ['log', 'meta', 'newest', 'retracted'] as const;

export function logKeyOf(audience: Audience, part: (typeof LOG_PARTS)[number]): string {
  return audienceKeyOf(audience, part);
}

/** All of a log's, in the order in which every script of a log is given them. */
export function logKeysOf(audience: Audience): readonly string[] {
  return LOG_PARTS.map((part) => logKeyOf(audience, part));
}

/** Braces put all keys of an audience, and its room's channel, in one Cluster slot; encoded, no id can close them. */
function audienceKeyOf(audience: Audience, name: string): string {
  return `carillon:${roomOf(audience)}:${name}`;
}

/** A hash of what a user has seen, read and archived, by audience. */
export function marksKeyOf(user: string): string {
  return audienceKeyOf(`user:${user}`, 'marks');
}

/** Holds where an event is, by its identity, as long as its repeats are recognised. */
export function onceKeyOf(audience: Audience, identity: string): string {
  return audienceKeyOf(audience, `once:${identity}`);
}

/** Where a user's client was seen to have fetched what lies in an audience's log. */
export function fetchedKeyOf(audience: Audience): string {
  return audienceKeyOf(audience, 'fetched');
}

/** Set once it has been said that this notification reached nobody. */
export function unreachedKeyOf(audience: Audience, { epoch, offset }: Cursor): string {
  return audienceKeyOf(audience, `unreached:${epoch}:${offset}`);
}

/** A hash of who is connected, by session. */
export function sessionsKeyOf(user: string): string {
  return audienceKeyOf(`user:${user}`, 'sessions');
}

/** A hash of devices that were connected. */
export function devicesKeyOf(user: string): string {
  return audienceKeyOf(`user:${user}`, 'devices');
}

/** A sorted set of sessions that were let in, by when: one is counted here until it is among the user's sessions. */
export function admittedKeyOf(user: string): string {
  return audienceKeyOf(`user:${user}`, 'admitted');
}

/** How much a user has published in this second, over all processes. */
export function publishedKeyOf(user: string): string {
  return audienceKeyOf(`user:${user}`, 'published');
}

/** The departments that an operator has given, in place of the token's. */
export function departmentsKeyOf(user: string): string {
  return audienceKeyOf(`user:${user}`, 'departments');
}

/** How far the erasure of a user has come. */
export function erasureKeyOf(user: string): string {
  return audienceKeyOf(`user:${user}`, 'erasure');
}

/**
 * What the names begin with of which a user has many: they cannot be listed, and have to be searched for. `once` is
 * followed by an event's identity, `unreached` by a place.
 */
export function manyKeysOf(user: string, name: 'once' | 'unreached'): string {
  return audienceKeyOf(`user:${user}`, `${name}:`);
}

/** When each gateway was last heard of. */
export const NODES_KEY = 'carillon:{nodes}:alive';

/** A hash of how many are in each room of a gateway. */
export function roomsKeyOf(node: string): string {
  return `carillon:{nodes}:${node}`;
}

/** A hash of what became of the events with this id, by source. */
export function outcomeKeyOf(id: string): string {
  return `carillon:{event:${id}}:trail`;
}

/** A stream of what operators have ordered, and the channel that says that there is more. */
export const ADMIN_COMMANDS_KEY = 'carillon:{directives}:log';
export const ADMIN_COMMANDS_CHANNEL = 'carillon:{directives}:new';

/** Two channels of what the console watches. One hash tag: in a Cluster one node serves both. */
export function activityChannelOf(name: 'watched' | 'batches', suffix: string): string {
  return `carillon:{tap}${suffix}:${name}`;
}
