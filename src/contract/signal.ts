/**
 * Signals: what Carillon itself reports to other services, as CloudEvents on the exchange `carillon.signals`. No token is in
 * any of them, and of what was published only `unreached` says anything.
 */
import { z } from 'zod';
import { audienceSchema, topicSchema } from './audience.ts';
import { auditActions, auditSchema } from './audit.ts';
import { STRUCTURED_TYPE } from './cloudevent.ts';
import { markRequestSchema } from './inbox.ts';
import { epochSchema, notificationSchema, offsetSchema } from './notification.ts';
import { writeJson } from './written.ts';

/** In front of a signal's name it is the CloudEvent's type, and the routing key. */
const TYPE_PREFIX = 'carillon.';

const userSchema = z.string().describe('`sub` of the token.');
const sessionSchema = z.string().describe('One connected socket.');

const client = {
  user: userSchema,
  session: sessionSchema,
  device: z.string().optional().describe("The client's own name for it."),
  node: z.string().describe('The gateway.'),
  address: z.string(),
  transport: z.string().describe('websocket or polling.'),
};

const topicMemberSchema = z.object({ user: userSchema, session: sessionSchema, topic: topicSchema });
const { ids, events, upTo, all } = markRequestSchema.shape;

/** What is in `data` of each. */
export const signalSchemas = {
  'client.connected': z.object(client),
  'client.disconnected': z.object({
    ...client,
    code: z.string().optional().describe('Why the gateway closed it; left out: the client went by itself.'),
  }),
  'topic.joined': topicMemberSchema,
  'topic.left': topicMemberSchema,
  'notification.read': z.object({
    user: userSchema,
    as: z.enum(['read', 'archived']),
    ids,
    events,
    upTo,
    all,
    by: z.string().describe('The session that marked, or `http`.'),
  }),
  'notification.unreached': z.object({
    user: userSchema,
    audience: audienceSchema,
    epoch: epochSchema,
    offset: offsetSchema,
    notification: notificationSchema,
  }),
  audit: auditSchema,
} as const;

export type SignalName = keyof typeof signalSchemas;
export type SignalData<N extends SignalName> = z.infer<(typeof signalSchemas)[N]>;

/** What users and operators do, for whose report nobody waits. */
export type ClientSignal = Exclude<SignalName, 'notification.unreached'>;

/** Publishes signals to whoever listens. Never fails and never waits: a signal that cannot leave now is lost. */
export interface Signals {
  /** False for one that nobody wants: then nothing needs to be gathered for it. */
  wants(name: ClientSignal): boolean;
  emit<N extends ClientSignal>(name: N, data: SignalData<N>): void;
}

/** Nobody listens. */
export const NO_SIGNALS: Signals = Object.freeze({ wants: () => false, emit: () => {} });

/** The types of a signal's CloudEvents, which are also their routing keys. The audit has one for each action. */
export function typesOf(name: SignalName): readonly string[] {
  const type = `${TYPE_PREFIX}${name}`;
  return name === 'audit' ? Object.keys(auditActions).map((action) => `${type}.${action}`) : [type];
}

export function typeOf(name: SignalName, data: SignalData<SignalName>): string {
  return `${TYPE_PREFIX}${name}${'action' in data ? `.${data.action}` : ''}`;
}

/** Whom it is about: the user, or who asked. */
function subjectOf(data: SignalData<SignalName>): string | undefined {
  return 'action' in data ? data.actor : data.user;
}

/** The CloudEvent of a signal, as it is published. */
export function signalEventSchema(name: SignalName) {
  const isRepeatable = name === 'notification.unreached';
  const [type = '', ...otherTypes] = typesOf(name);
  const subject = z.string();
  return z.object({
    specversion: z.literal('1.0'),
    id: z
      .string()
      .describe(
        isRepeatable
          ? '`unreached <audience> <epoch> <offset>`: a repeat has the same one.'
          : 'Another one for each.',
      ),
    source: z.string().describe(isRepeatable ? '`/carillon`' : '`/carillon/<node>`'),
    type: otherTypes.length === 0 ? z.literal(type) : z.enum([type, ...otherTypes]),
    time: z.iso.datetime(),
    subject:
      name === 'audit'
        ? subject.optional().describe('Who asked; left out when no valid token was there.')
        : subject.describe('The user.'),
    datacontenttype: z.literal('application/json'),
    data: signalSchemas[name],
  });
}

interface Envelope {
  readonly id: string;
  readonly source: string;
}

/** Routing key, body and properties of the message. */
export function encodeSignal<N extends SignalName>(name: N, { id, source }: Envelope, data: SignalData<N>) {
  const [type, subject] = [typeOf(name, data), subjectOf(data)];
  const event = {
    specversion: '1.0',
    id,
    source,
    type,
    time: new Date().toISOString(),
    ...(subject === undefined ? {} : { subject }),
    datacontenttype: 'application/json',
    data,
  };
  return {
    type,
    body: Buffer.from(writeJson(event)),
    properties: { contentType: STRUCTURED_TYPE, messageId: id },
  };
}
