/** Dead letters: the message as it came, in carillon.dead, with headers that say why. */
import type { ConsumeMessage } from 'amqplib';
import pRetry from 'p-retry';
import type { Refusal } from '../contract/refusal.ts';
import { fingerprintOf } from './message.ts';
import type { Publisher } from './publisher.ts';
import { DEAD_LETTERS } from './topology.ts';

/** Headers that would make RabbitMQ route the copy elsewhere too. */
const ROUTING_HEADERS = new Set(['CC', 'BCC']);

/**
 * Resolves once RabbitMQ has confirmed that the dead letter is kept; until then it tries again for ever.
 * The caller MUST settle the original only afterwards. Rejects only when `signal` is aborted.
 *
 * What was sent and not confirmed when `signal` is aborted may be kept all the same, and once more by whoever the
 * original is delivered to next. The `message-id` tells: it is the same for both.
 */
export async function deadLetter(
  message: ConsumeMessage,
  refusal: Refusal,
  publisher: Publisher,
  signal: AbortSignal,
): Promise<void> {
  const reason = reasonHeaders(refusal);
  const original = Object.entries(message.properties.headers ?? {}).filter(
    ([name]) => !ROUTING_HEADERS.has(name),
  );
  const messageId = fingerprintOf(message);
  let isKept = false;
  let headers: Record<string, unknown> = { ...Object.fromEntries(original), ...reason };
  const { contentType, contentEncoding } = message.properties;
  const publish = async () => {
    try {
      await publisher.publish(DEAD_LETTERS, message.fields.routingKey, message.content, {
        contentType,
        contentEncoding,
        messageId,
        headers,
      });
      isKept = true;
    } catch (error) {
      // The reason goes first: headers may fill amqplib's 64 KiB by themselves, or be such as it reads and cannot write.
      if (error instanceof RangeError) headers = { ...reason, 'x-carillon-headers': 'dropped: too large' };
      if (error instanceof TypeError) headers = { ...reason, 'x-carillon-headers': 'dropped: malformed' };
      // p-retry gives up on a TypeError.
      throw new Error('the dead letter was not taken', { cause: error });
    }
  };
  try {
    await pRetry(publish, {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 100,
      maxTimeout: 2_000,
      randomize: true,
      signal,
    });
  } catch (error) {
    // p-retry rejects once the signal is aborted, also when the last attempt succeeded.
    if (!isKept) throw error;
  }
}

/** Why, and since now. */
export function reasonHeaders({ code, message, path }: Refusal): Record<string, string> {
  return {
    'x-carillon-reason': code,
    'x-carillon-detail': message,
    'x-carillon-path': path ?? '',
    'x-carillon-time': new Date().toISOString(),
  };
}
