/**
 * Connects sources: binds Carillon's queue to their exchanges, and consumes their queues. One that is missing, or may
 * not be used, is named and looked for again every few seconds; it stops nothing else. The sources may change meanwhile.
 */
import type { ChannelModel } from 'amqplib';
import type { Logger } from 'pino';
import {
  type Binding,
  bindForeign,
  bindingTrouble,
  consumingTrouble,
  missingExchange,
} from '../../adapters/rabbitmq/foreign.ts';
import { DELIVER_QUEUE, PARTITIONS_EXCHANGE } from '../../adapters/rabbitmq/names.ts';
import type { AmqpAddress } from '../../config/amqp-address.ts';
import { jittered } from '../../resilience/jitter.ts';
import { reasonOf } from '../../resilience/reason.ts';
import { within } from '../../resilience/timeout.ts';
import { nameOf, type Source } from '../sources/source.ts';
import type { Intake } from './intake.ts';

const ANSWER_MS = 10_000;

/** How often sources are looked for. */
const LOOK_MS = 5_000;

/**
 * A message from an exchange may be given to any consumer. Whoever binds one that is new to the file gives the others
 * time to read the file too: Kubernetes updates the files of its nodes within a minute or two.
 */
const OTHERS_READ_MS = 120_000;

const OTHER_PARTITIONS = 'RabbitMQ has another number of partitions';

interface SourceConnectionsOptions {
  readonly sources: readonly Source[];
  readonly address: AmqpAddress;
  readonly log: Logger;
  /** Undefined while there is no connection that is set up. */
  readonly model: () => ChannelModel | undefined;
  /** Where messages of exchanges go to; undefined while RabbitMQ has other partitions than this process. */
  readonly target: () => 'one queue' | 'partitions' | undefined;
  /** Whether RabbitMQ gives the messages of all exchanges to this process. */
  readonly hasAll: () => boolean;
  /** What takes the messages of a queue. It MUST count what is in hand. */
  readonly intakeOf: (queue: string) => Intake;
}

export class SourceConnections {
  readonly #options: SourceConnectionsOptions;
  /** By the queue's name. One that is ending stays here until it has ended. */
  readonly #intakes = new Map<string, Intake>();
  /** By the source's name: why it is not connected. */
  readonly #troubles = new Map<string, string>();
  /** By the source's name: those that RabbitMQ has not answered yet. */
  readonly #asking = new Set<string>();
  /** By the source's name and keys: from when on it is bound even if others may not know it yet. */
  readonly #bindFromMs = new Map<string, number>();
  #sources: readonly Source[] = [];
  #looking: NodeJS.Timeout | undefined;

  constructor(options: SourceConnectionsOptions) {
    this.#options = options;
    this.#name(options.sources);
  }

  get sources(): readonly Source[] {
    return this.#sources;
  }

  /** Each source once, with why it is not connected; undefined when it is. */
  get states(): readonly { readonly source: string; readonly trouble: string | undefined }[] {
    const names = new Set(this.#sources.map(nameOf));
    return [...names].map((source) => ({ source, trouble: this.#troubles.get(source) }));
  }

  /** Each queue of a source that this process is subscribed to. */
  get queues(): readonly { readonly queue: string; readonly isActive: boolean }[] {
    return [...this.#intakes.values()];
  }

  start(): void {
    this.#looking = setInterval(() => this.#connectNow(), jittered(LOOK_MS));
    this.#looking.unref();
  }

  stop(): void {
    clearInterval(this.#looking);
  }

  /** Connects what is not connected, and binds again what may have been unbound. */
  connect(model: ChannelModel): void {
    for (const source of this.#sources) void this.#look(model, source);
  }

  /**
   * What speaks against these sources in place of the present ones, as in `exchange shop.events: it does not exist`; of
   * those that are new only. Changes nothing. Never rejects.
   */
  async troublesWith(sources: readonly Source[]): Promise<readonly string[]> {
    const model = this.#options.model();
    if (model === undefined) return ['RabbitMQ cannot be asked now'];
    const troubles = await Promise.all(
      sources.map(async (source) => {
        const trouble = await this.#troubleWith(model, source);
        return trouble === undefined ? [] : [`${nameOf(source)}: ${trouble}`];
      }),
    );
    return troubles.flat();
  }

  /**
   * These are the sources from now on. Queues that none of them names are given back; bindings stay, as after a restart,
   * because nobody could know whose they are.
   */
  use(sources: readonly Source[]): void {
    const before = new Set(this.#sources.map(nameOf));
    const bindFromMs = performance.now() + OTHERS_READ_MS;
    for (const source of sources)
      if ('exchange' in source && this.#newKeys(source).length > 0)
        this.#bindFromMs.set(withKeys(source), bindFromMs);
    this.#name(sources);
    const now = new Set(sources.map(nameOf));
    for (const source of before) {
      if (now.has(source)) continue;
      this.#troubles.delete(source);
      this.#options.log.info({ source }, 'source is not used any more');
    }
    for (const queue of this.#intakes.keys()) if (!this.#namesQueue(queue)) void this.#end(queue);
    this.#connectNow();
  }

  #name(sources: readonly Source[]): void {
    const known = new Set(this.#sources.map(nameOf));
    this.#sources = sources;
    for (const source of sources.map(nameOf))
      if (!known.has(source)) this.#troubles.set(source, 'RabbitMQ was not asked yet');
  }

  #connectNow(): void {
    const model = this.#options.model();
    if (model !== undefined) this.connect(model);
  }

  #namesQueue(queue: string): boolean {
    return this.#sources.some((source) => 'queue' in source && source.queue === queue);
  }

  /** Never rejects. */
  async #end(queue: string): Promise<void> {
    const intake = this.#intakes.get(queue);
    if (intake === undefined || intake.isEnded) return;
    await intake.end();
    this.#intakes.delete(queue);
    // It may be wanted again.
    if (this.#namesQueue(queue)) this.#connectNow();
  }

  /** Never rejects. */
  async #troubleWith(model: ChannelModel, source: Source): Promise<string | undefined> {
    const { address } = this.#options;
    try {
      const silence = () => 'RabbitMQ does not answer about it';
      if ('queue' in source) {
        if (this.#namesQueue(source.queue)) return undefined;
        return await within(ANSWER_MS, consumingTrouble(model, source.queue, address), silence);
      }
      const { exchange } = source;
      const keys = this.#newKeys(source);
      if (keys.length === 0) return undefined;
      if (!address.declares)
        return await within(ANSWER_MS, missingExchange(model, exchange, address), silence);
      const own = this.#own();
      if (own === undefined) return OTHER_PARTITIONS;
      return await within(ANSWER_MS, bindingTrouble(model, own, { exchange, keys }, address), silence);
    } catch (error) {
      return `RabbitMQ cannot be asked about it: ${reasonOf(error)}`;
    }
  }

  /** Its keys that no present source has. */
  #newKeys({ exchange, keys }: Binding): readonly string[] {
    const isKnown = (key: string) =>
      this.#sources.some(
        (source) => 'exchange' in source && source.exchange === exchange && source.keys.includes(key),
      );
    return keys.filter((key) => !isKnown(key));
  }

  #waitsForOthers(source: Source): boolean {
    const bindFromMs = this.#bindFromMs.get(withKeys(source));
    return bindFromMs !== undefined && performance.now() < bindFromMs && !this.#options.hasAll();
  }

  /** What is bound to exchanges of sources; undefined while RabbitMQ has other partitions than this process. */
  #own() {
    const target = this.#options.target();
    if (target === undefined) return undefined;
    return target === 'partitions' ? { exchange: PARTITIONS_EXCHANGE } : { queue: DELIVER_QUEUE };
  }

  /** Never rejects. */
  async #look(model: ChannelModel, source: Source): Promise<void> {
    const name = withKeys(source);
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
      if (this.#waitsForOthers(source)) return 'other consumers are given time to read the file too';
      const own = this.#own();
      return own === undefined ? OTHER_PARTITIONS : await bindForeign(model, own, source, address);
    }
    const intake = this.#intakeOf(source.queue);
    if (intake.isEnded) return 'what was taken from it before is still in hand';
    if (intake.state !== 'none') return undefined;
    const trouble = await consumingTrouble(model, source.queue, address);
    if (trouble !== undefined) return trouble;
    try {
      // The sources may have changed while RabbitMQ was asked.
      if (!intake.isEnded) await intake.open(model);
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
    // It may have been taken out of the file while RabbitMQ was asked.
    if (!this.#sources.some((one) => nameOf(one) === source)) return;
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

/** An exchange may stand in the file several times. */
function withKeys(source: Source): string {
  return 'queue' in source ? nameOf(source) : `${nameOf(source)} ${source.keys.join()}`;
}
