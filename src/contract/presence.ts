/** Presence: who is connected where, which devices were, and how many an audience has, as operators see it. */
import { z } from 'zod';
import { type Audience, audienceSchema } from './audience.ts';
import { type Cursor, cursorSchema, offsetSchema } from './notification.ts';

const placesSchema = z.record(z.string(), cursorSchema);

const where = {
  session: z.string().describe('Of a device: its last one.'),
  node: z.string().describe('The gateway process, as it names itself in its log.'),
  device: z.string().optional().describe("The client's own name for it."),
  connectedAt: z.iso.datetime(),
  cursors: placesSchema.optional().describe('What the client said that it had when it connected.'),
};

export const presentSessionSchema = z
  .object({
    ...where,
    address: z.string(),
    transport: z.string().describe('websocket or polling.'),
    audiences: placesSchema.describe('For each audience the last offset before what the session got live.'),
  })
  .meta({ id: 'PresentSession', description: 'A connected socket.' });

/** Holds nothing secret, above all no token. */
export type PresentSession = Readonly<z.infer<typeof presentSessionSchema>>;

export const knownDeviceSchema = z
  .object({
    ...where,
    disconnectedAt: z.iso.datetime().describe('Of a node that died: when it was last heard of.'),
    audiences: placesSchema.describe('For each audience the last offset that was sent to the device.'),
  })
  .meta({ id: 'KnownDevice', description: 'A device that is not connected, as it left.' });

export type KnownDevice = Readonly<z.infer<typeof knownDeviceSchema>>;

export const userPresenceSchema = z
  .object({
    user: z.string(),
    sessions: z.array(presentSessionSchema).describe('Connected now, the oldest first.'),
    devices: z.array(knownDeviceSchema).describe('Not connected, the last to leave first.'),
  })
  .meta({ id: 'UserPresence' });

export type UserPresence = Readonly<z.infer<typeof userPresenceSchema>>;

const countSchema = z.int().nonnegative();

const hostSchema = z.object({ node: z.string(), users: countSchema, sessions: countSchema });

/** A node that has sessions in an audience's room, and how many. */
export type Host = Readonly<z.infer<typeof hostSchema>>;

export const audiencePresenceSchema = z
  .object({
    audience: audienceSchema,
    users: countSchema.describe('Connected ones; who is connected to two nodes counts twice.'),
    sessions: countSchema,
    nodes: z.array(hostSchema).describe('Those that host it. What a node says is up to 5 s old.'),
    head: cursorSchema.describe('Where its log ends.'),
    length: offsetSchema.describe('Notifications that the log holds.'),
  })
  .meta({ id: 'AudiencePresence' });

export type AudiencePresence = Readonly<z.infer<typeof audiencePresenceSchema>>;

/** A session as its gateway has it. There are many, and what is only written is made when it is written. */
export interface Attendee {
  readonly user: string;
  readonly session: string;
  /** As it is now. */
  describe(): PresentSession;
}

/** What a gateway reports of its sessions. None of it is waited for, and none fails. */
export interface Registering {
  /** Again when something of it has changed. */
  present(attendee: Attendee): void;
  /** `places`: where the feed of each of its audiences stood. */
  gone(session: string, places: Readonly<Record<string, Cursor>>): void;
  /** Its user was erased: it leaves no trace. */
  forgotten(session: string): void;
}

/** Answers about all nodes; every process can. Rejects when Redis is away. */
export interface Directory {
  sessionsOf(user: string): Promise<UserPresence>;
  audience(audience: Audience): Promise<AudiencePresence>;
}
