/** The type and the helpers that the AMQP part and the Socket.IO part of the AsyncAPI document share. */
import type { z } from 'zod';
import type { Json } from './json-schema.ts';

/** One protocol's entries in each section of the document. */
export interface Part {
  readonly servers: Json;
  readonly channels: Json;
  readonly operations: Json;
  readonly messages: Json;
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  readonly securitySchemes: Json;
}

/** References to a channel's messages, by their names in `components/messages`. */
export function messagesNamed(...names: readonly string[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

/** AsyncAPI requires that an operation refers to its messages through their channel. */
export function messagesIn(channel: string, ...names: readonly string[]): { $ref: string }[] {
  return names.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` }));
}

export function channelRef(channel: string): { $ref: string } {
  return { $ref: `#/channels/${channel}` };
}
