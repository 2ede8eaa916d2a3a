/**
 * A check: the message that RabbitMQ brings back after UNREACHED_AFTER, to find out whether a notification has
 * reached its user.
 */
import type { Logger } from 'pino';
import { z } from 'zod';
import { UNREACHED_DELAY_QUEUE, UNREACHED_EXCHANGE } from '../adapters/rabbitmq/names.ts';
import type { Publisher } from '../adapters/rabbitmq/publisher.ts';
import { audienceSchema } from '../contract/audience.ts';
import { readStored } from '../contract/json.ts';
import { offsetSchema } from '../contract/notification.ts';
import { reasonOf } from '../resilience/reason.ts';
import { faultOf, isUnavailable } from '../resilience/unavailable.ts';

const checkSchema = z.object({
  audience: audienceSchema.refine((audience) => audience.startsWith('user:')),
  offset: offsetSchema,
  /** The event's source and id: after a loss of data another event may have this offset. */
  source: z.string(),
  id: z.string(),
  /** How often it has waited, including this time. */
  waits: z.int().positive(),
});

export type Check = Readonly<z.infer<typeof checkSchema>>;

/** Logs why a check could not be decided. An outage is retried; a fault in the code is logged with its stack. */
export function logFailedCheck(
  log: Pick<Logger, 'warn' | 'error'>,
  { audience, offset, source, id }: Check,
  error: unknown,
): void {
  const about = { audience, offset, source, id };
  if (isUnavailable(error))
    log.warn({ ...about, part: 'unreached checks', reason: reasonOf(error) }, 'check failed');
  else log.error({ ...about, ...faultOf(error) }, 'check failed');
}

/** Undefined when the message is not a check. */
export function parseCheck(body: Buffer): Check | undefined {
  return readStored(checkSchema, body);
}

/**
 * Resolves once RabbitMQ has the check, which it returns after `afterMs`.
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
