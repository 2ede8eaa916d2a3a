/** What amqplib throws at whoever uses a channel that has closed, by itself or with its connection. */
import { IllegalOperationError } from 'amqplib';

/** Does nothing on a channel that has closed: RabbitMQ has what was not acknowledged, and delivers it again. */
export function unlessClosed(use: () => void): void {
  try {
    use();
  } catch (error) {
    if (!(error instanceof IllegalOperationError)) throw error;
  }
}
