/** The names of an audience's keys in Redis. */
import { type Audience, roomOf } from '../../contract/audience.ts';

/** Braces put all keys of an audience, and its room's channel, in one Cluster slot; encoded, no id can close them. */
export function audienceKeyOf(audience: Audience, name: string): string {
  return `carillon:${roomOf(audience)}:${name}`;
}

/** Those that every script of a log is given, in this order. */
export function logKeysOf(audience: Audience): readonly string[] {
  return ['log', 'meta', 'newest', 'retracted'].map((name) => audienceKeyOf(audience, name));
}

/** Holds where an event is, by its identity, as long as its repeats are recognised. */
export function onceKeyOf(audience: Audience, identity: string): string {
  return audienceKeyOf(audience, `once:${identity}`);
}
