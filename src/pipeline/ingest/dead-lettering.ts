/** Makes dead letters of what a consumer has in hand, and knows which of them RabbitMQ has not confirmed yet. */
import type { Logger } from 'pino';
import type { Publisher } from '../../adapters/rabbitmq/publisher.ts';
import type { Refusal } from '../../contract/refusal.ts';
import { deadLetter, NotCopied } from '../../operate/dead-letters/dead-letter-writer.ts';
import { type EnvelopeReader, namesOf } from '../../operate/dead-letters/stored-dead-letter.ts';
import { reasonOf } from '../../resilience/reason.ts';
import type { Arrival } from '../sources/arrival.ts';

interface DeadLetteringOptions {
  readonly publisher: Pick<Publisher, 'publish' | 'maxHeaderBytes'>;
  readonly reader: EnvelopeReader;
  readonly log: Logger;
}

const UNCONFIRMED_MS = 10_000;

export class DeadLettering {
  /** One was given up with its channel, before it was confirmed. Whoever takes messages again sets it back. */
  hasUncopied = false;
  readonly #options: DeadLetteringOptions;
  /** The oldest first. */
  readonly #unconfirmed = new Set<{ readonly sinceMs: number }>();

  constructor(options: DeadLetteringOptions) {
    this.#options = options;
  }

  /** One has waited for so long that all delivery may stop behind those that wait. */
  get isUnconfirmed(): boolean {
    const [oldest] = this.#unconfirmed;
    return oldest !== undefined && performance.now() - oldest.sinceMs >= UNCONFIRMED_MS;
  }

  /** 'no' when it was given up before RabbitMQ had confirmed it; 'by RabbitMQ' when it MUST be rejected. */
  async keep(arrival: Arrival, refusal: Refusal, over: AbortSignal): Promise<'yes' | 'no' | 'by RabbitMQ'> {
    const { log, reader } = this.#options;
    const { code, message: detail, path } = refusal;
    const names = namesOf(arrival, reader);
    log.warn({ code, detail, path, ...names }, 'event becomes a dead letter');
    const unconfirmed = { sinceMs: performance.now() };
    this.#unconfirmed.add(unconfirmed);
    try {
      await this.#copy(arrival, refusal, over);
      return 'yes';
    } catch (error) {
      if (!(error instanceof NotCopied)) {
        this.hasUncopied = true;
        return 'no';
      }
      log.error({ reason: reasonOf(error.cause), ...names }, 'dead letter is left to RabbitMQ');
      return 'by RabbitMQ';
    } finally {
      this.#unconfirmed.delete(unconfirmed);
    }
  }

  /** @throws {NotCopied} */
  async #copy(arrival: Arrival, refusal: Refusal, over: AbortSignal): Promise<void> {
    const { publisher } = this.#options;
    try {
      await deadLetter(arrival, refusal, publisher, over);
    } catch (error) {
      // What RabbitMQ gives up in a queue of theirs may be gone: better without its headers than not at all.
      if (!(error instanceof NotCopied) || arrival.origin?.queue === undefined) throw error;
      await deadLetter({ ...arrival, properties: {} }, refusal, publisher, over);
    }
  }
}
