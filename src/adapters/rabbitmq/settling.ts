/**
 * amqplib's promises of `close()` settle when RabbitMQ answers, and never when the connection dies before that. Its
 * recovery awaits such a promise too, and would then not connect again for as long as the process lives.
 */
import type { ChannelModel } from 'amqplib';

/** From now on `model.close()` settles when the connection is closed, whichever way it went. MUST be called when it opens. */
export function settleCloses(model: ChannelModel): void {
  const close = model.close.bind(model);
  const closed = whenClosed(model);
  model.close = () => Promise.race([close(), closed]);
}

/** @throws when the connection closes first */
export async function whileOpen<T>(model: ChannelModel, work: PromiseLike<T>): Promise<T> {
  const closed = whenClosed(model).then(() => {
    throw new Error('the connection to RabbitMQ was closed');
  });
  return await Promise.race([work, closed]);
}

function whenClosed(model: ChannelModel): Promise<void> {
  return new Promise((resolve) => model.once('close', () => resolve()));
}
