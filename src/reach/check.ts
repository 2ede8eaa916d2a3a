/** A check: the message that comes back after UNREACHED_AFTER to ask whether a notification has reached its user. */
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Publisher } from '../adapters/rabbitmq/publisher.ts';
import { UNREACHED_DELAY_QUEUE, UNREACHED_EXCHANGE } from '../adapters/rabbitmq/topology.ts';
import { audienceSchema } from '../contract/audience.ts';
import { readStored } from '../contract/json.ts';
import { offsetSchema } from '../contract/notification.ts';
import { reasonOf } from '../resilience/reason.ts';
import { faultOf, isUnavailable } from '../resilience/unavailable.ts';

const checkSchema = z.object({
  audience: audienceSchema.refine((audience) => audience.startsWith('user:')),
  offset: offsetSchema,
  /** Of the event: after a loss of data another one may have come to stand at the offset. */
  source: z.string(),
  id: z.string(),
  /** How often it has waited, this time included. */
  waits: z.int().positive(),
});

export type Check = Readonly<z.infer<typeof checkSchema>>;

/** It is tried again when something is away; a fault of ours leaves its stack. */
export function logFailedCheck(
  log: Pick<Logger, 'warn' | 'error'>,
  { audience, offset, source, id }: Check,
  error: unknown,
): void {
  const about = { audience, offset, source, id };
  if (isUnavailable(error)) log.warn({ ...about, reason: reasonOf(error) }, 'check failed');
  else log.error({ ...about, ...faultOf(error) }, 'check failed');
}

/** Undefined when it is none. */
export function parseCheck(body: Buffer): Check | undefined {
  return readStored(checkSchema, body);
}

/**
 * Resolves once RabbitMQ has the check, to bring it back after `afterMs`.
 *
 * @throws {BrokerUnavailable}
 */
export async function sendCheck(
  publisher: Pick<Publisher, 'publish'>,
  check: Check,
  afterMs: number,
): Promise<void> {
  const body = Buffer.from(JSON.stringify(check));
  const properties = { contentType: 'application/json', expiration: String(afterMs) };
  await publisher.publish(UNREACHED_EXCHANGE, UNREACHED_DELAY_QUEUE, body, properties);
}
