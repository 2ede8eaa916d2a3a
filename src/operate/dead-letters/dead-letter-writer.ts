/** Dead letters: the message as it came, in carillon.dead, with headers that say why. */

import { DEAD_LETTERS } from '../../adapters/rabbitmq/names.ts';
import { type Publisher, RefusedByBroker } from '../../adapters/rabbitmq/publisher.ts';
import type { Refusal } from '../../contract/refusal.ts';
import { fingerprintOf } from '../../pipeline/ingest/message.ts';
import { type Arrival, originHeaders } from '../../pipeline/sources/arrival.ts';
import { retried } from '../../resilience/retry.ts';
import { cut, sizeOfHeaders, writable } from './writable-message.ts';

/** Our own, which a producer would forge, and those that would make RabbitMQ route the copy elsewhere too. */
const DROPPED = /^(x-carillon-.*|CC|BCC)$/;

/** Says what of the original is not in its copy. */
const LEFT_OUT_HEADER = 'x-carillon-headers';
const LEFT_OUT_BYTES = 640;

const MAX_DETAIL_BYTES = 1_024;
const MAX_PATH_BYTES = 256;

/** RabbitMQ may have closed the link over another message that was under way at the same time. */
const MAX_REFUSALS = 3;

/** No copy can be made. */
export class NotCopied extends Error {}

/**
 * Resolves once RabbitMQ has confirmed that the dead letter is kept; until then it tries again for ever.
 * The caller MUST settle the original only afterwards.
 *
 * What was sent and not confirmed when `signal` is aborted may be kept all the same, and once more by whoever the
 * original is delivered to next. The `message-id` shows it: it is the same for both.
 *
 * @throws {NotCopied} when trying again is of no use; whatever else it rejects with means that `signal` is aborted
 */
export async function deadLetter(
  message: Arrival,
  refusal: Refusal,
  publisher: Pick<Publisher, 'publish' | 'maxHeaderBytes'>,
  signal: AbortSignal,
): Promise<void> {
  const added = { ...reasonHeaders(refusal), ...originHeaders(message) };
  const messageId = fingerprintOf(message);
  let refusals = 0;
  const copy = () => {
    const room = publisher.maxHeaderBytes - sizeOfHeaders(added) - LEFT_OUT_BYTES;
    const { routingKey, properties, leftOut } = writable(message, (name) => DROPPED.test(name), room);
    const headers = {
      ...properties.headers,
      ...added,
      ...(leftOut === '' ? {} : { [LEFT_OUT_HEADER]: `left out: ${leftOut}` }),
    };
    return { routingKey, properties: { ...properties, messageId, headers } };
  };
  const publish = async () => {
    try {
      const { routingKey, properties } = copy();
      await publisher.publish(DEAD_LETTERS, routingKey, message.content, properties);
    } catch (error) {
      if (error instanceof RefusedByBroker) refusals += 1;
      if (isUnwritable(error) || refusals === MAX_REFUSALS)
        throw new NotCopied('no copy can be made', { cause: error });
      throw error;
    }
  };
  signal.throwIfAborted();
  // A failure that nobody knows passes or not: the dead letter MUST NOT be given up for it.
  await retried(publish, { signal: () => signal, shouldRetry: (error) => !(error instanceof NotCopied) });
}

/** What amqplib throws over a value that it cannot write: a fault of ours, but one that waiting does not mend. */
function isUnwritable(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
}

/** A refusal, or what RabbitMQ gave as its reason. */
interface StatedReason {
  readonly code: string;
  readonly message: string;
  readonly path?: string | undefined;
}

/** Why, and since now; bounded, whatever was refused. */
export function reasonHeaders({ code, message, path }: StatedReason): Record<string, string> {
  return {
    'x-carillon-reason': code,
    'x-carillon-detail': cut(message, MAX_DETAIL_BYTES),
    'x-carillon-path': cut(path ?? '', MAX_PATH_BYTES),
    'x-carillon-time': new Date().toISOString(),
  };
}
