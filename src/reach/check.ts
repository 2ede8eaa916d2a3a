/** A check: the message that comes back after UNREACHED_AFTER to ask whether a notification has reached its user. */
import { z } from 'zod';
import type { Publisher } from '../adapters/rabbitmq/publisher.ts';
import { UNREACHED_DELAY_QUEUE, UNREACHED_EXCHANGE } from '../adapters/rabbitmq/topology.ts';
import { audienceSchema } from '../contract/audience.ts';
import { parseJson } from '../contract/json.ts';
import { offsetSchema } from '../contract/notification.ts';

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

/** What a log line tells of it: the notification's place, and its event. */
export function placeOf({ audience, offset, source, id }: Check) {
  return { audience, offset, source, id };
}

/** Undefined when it is none. */
export function parseCheck(body: Buffer): Check | undefined {
  const parsed = parseJson(body);
  return parsed.ok ? checkSchema.safeParse(parsed.value).data : undefined;
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
