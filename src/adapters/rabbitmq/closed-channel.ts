/** Uses a channel that may have closed, by itself or with its connection. */
import { IllegalOperationError } from 'amqplib';

/** Calls `use`, and ignores the error of a closed channel: RabbitMQ delivers again what was not acknowledged. */
export function unlessClosed(use: () => void): void {
  try {
    use();
  } catch (error) {
    if (!(error instanceof IllegalOperationError)) throw error;
  }
}
