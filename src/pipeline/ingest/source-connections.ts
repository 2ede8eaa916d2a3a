/**
 * Connects sources: binds Carillon's queue to their exchanges, and consumes their queues. One that is missing, or may
 * not be used, is named and looked for again every few seconds; it stops nothing else.
 */
import type { ChannelModel } from 'amqplib';
import type { Logger } from 'pino';
import { bindForeign, consumingTrouble, missingExchange } from '../../adapters/rabbitmq/foreign.ts';
import { DELIVER_QUEUE, PARTITIONS_EXCHANGE } from '../../adapters/rabbitmq/names.ts';
import type { AmqpAddress } from '../../config/amqp-address.ts';
import { reasonOf } from '../../resilience/reason.ts';
import { within } from '../../resilience/timeout.ts';
import { nameOf, type Source } from '../sources/source.ts';
import type { Intake } from './intake.ts';

const ANSWER_MS = 10_000;

interface SourceConnectionsOptions {
  readonly sources: readonly Source[];
  readonly address: AmqpAddress;
  readonly log: Logger;
  /** Where messages of exchanges go to; undefined while RabbitMQ has other partitions than this process. */
  readonly target: () => 'one queue' | 'partitions' | undefined;
  /** What takes the messages of a queue. */
  readonly intakeOf: (queue: string) => Intake;
}

export class SourceConnections {
  readonly #options: SourceConnectionsOptions;
  readonly #intakes = new Map<string, Intake>();
  /** By the source's name: why it is not connected. */
  readonly #troubles = new Map<string, string>();
  /** By the source's name: those that RabbitMQ has not answered yet. */
  readonly #asking = new Set<string>();

  constructor(options: SourceConnectionsOptions) {
    this.#options = options;
    for (const source of options.sources) this.#troubles.set(nameOf(source), 'RabbitMQ was not asked yet');
  }

  /** Each source once, with why it is not connected; undefined when it is. */
  get states(): readonly { readonly source: string; readonly trouble: string | undefined }[] {
    const names = new Set(this.#options.sources.map(nameOf));
    return [...names].map((source) => ({ source, trouble: this.#troubles.get(source) }));
  }

  /** Connects what is not connected, and binds again what may have been unbound. */
  connect(model: ChannelModel): void {
    for (const source of this.#options.sources) void this.#look(model, source);
  }

  /** Never rejects. */
  async #look(model: ChannelModel, source: Source): Promise<void> {
    const name = 'queue' in source ? nameOf(source) : `${nameOf(source)} ${source.keys.join()}`;
    if (this.#asking.has(name)) return;
    this.#asking.add(name);
    const answer = this.#connectOne(model, source).finally(() => this.#asking.delete(name));
    try {
      const silence = () => 'RabbitMQ does not answer about it: is it a queue without a leader?';
      this.#tell(nameOf(source), await within(ANSWER_MS, answer, silence));
    } catch (error) {
      // The connection is gone, and the next one comes here again.
      this.#options.log.debug({ source: name, reason: reasonOf(error) }, 'source is not connected');
    }
  }

  async #connectOne(model: ChannelModel, source: Source): Promise<string | undefined> {
    const { address } = this.#options;
    if ('exchange' in source) {
      if (!address.declares) return await missingExchange(model, source.exchange, address);
      const target = this.#options.target();
      if (target === undefined) return 'RabbitMQ has another number of partitions';
      const own = target === 'partitions' ? { exchange: PARTITIONS_EXCHANGE } : { queue: DELIVER_QUEUE };
      return await bindForeign(model, own, source, address);
    }
    const intake = this.#intakeOf(source.queue);
    if (intake.state !== 'none') return undefined;
    const trouble = await consumingTrouble(model, source.queue, address);
    if (trouble !== undefined) return trouble;
    try {
      await intake.open(model);
      return undefined;
    } catch (error) {
      // It may be gone since, or somebody else may have it: the next question shows it.
      return reasonOf(error);
    }
  }

  #intakeOf(queue: string): Intake {
    const intake = this.#intakes.get(queue) ?? this.#options.intakeOf(queue);
    this.#intakes.set(queue, intake);
    return intake;
  }

  #tell(source: string, trouble: string | undefined): void {
    const { log } = this.#options;
    const before = this.#troubles.get(source);
    if (trouble === undefined) {
      this.#troubles.delete(source);
      if (before !== undefined) log.info({ source }, 'source connected');
    } else {
      this.#troubles.set(source, trouble);
      if (before !== trouble)
        log.warn({ code: 'source_unavailable', source, reason: trouble }, 'a source is waited for');
    }
  }
}
