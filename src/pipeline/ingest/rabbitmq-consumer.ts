/**
 * The consumer takes events from RabbitMQ and settles each by what became of it.
 *
 * It never cancels its subscription, neither when it stops nor when its store is away: RabbitMQ would make the next
 * consumer active at once, and that one's events could overtake what is still in hand here. When it stops it lets new
 * deliveries lie, finishes those in hand and closes the connection, upon which RabbitMQ puts what lies back in its old
 * place. When its store is away it gives its connection up as soon as it has nothing in hand, and otherwise when
 * RabbitMQ takes the channel away; on the next one it waits until events can be kept again (in-hand.ts).
 */
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import type { Acks } from '../../adapters/rabbitmq/acks.ts';
import { Link, type LinkState } from '../../adapters/rabbitmq/link.ts';
import type { Partitioning } from '../../adapters/rabbitmq/names.ts';
import type { Publisher } from '../../adapters/rabbitmq/publisher.ts';
import { Topology } from '../../adapters/rabbitmq/topology.ts';
import type { TopologyClash } from '../../adapters/rabbitmq/topology-clash.ts';
import type { AmqpAddress } from '../../config/amqp-address.ts';
import { CANARY_TYPE } from '../../contract/event.ts';
import { namesOf } from '../../operate/dead-letters/stored-dead-letter.ts';
import { EventLife } from '../event-life.ts';
import type { EventObservers } from '../event-observer.ts';
import { type Arrival, arrivalOf } from '../sources/arrival.ts';
import type { MessageReader } from '../sources/message-reader.ts';
import type { Source } from '../sources/source.ts';
import { DeadLettering } from './dead-lettering.ts';
import { type Held, InHand } from './in-hand.ts';
import { Intake } from './intake.ts';
import { askWhoIsFirst } from './line-question.ts';
import { NamesIn } from './names-in.ts';
import { OwnQueues } from './own-queues.ts';
import { publishedAtOf } from './published-at.ts';
import { type Handle, isUntold, RELEASE, type Settlement, settled } from './settlement.ts';
import { SourceConnections } from './source-connections.ts';

export interface ConsumerOptions {
  readonly partitioning: Partitioning;
  /** From each queue. */
  readonly prefetch: number;
  readonly reader: MessageReader;
  /** Those of the start; undefined without SOURCES_FILE. */
  readonly sources: readonly Source[] | undefined;
  readonly handle: Handle;
  readonly publisher: Pick<Publisher, 'publish' | 'maxHeaderBytes' | 'state'>;
  /** The time that publishers go by too. */
  readonly now: () => number;
  /** Whether the store that `handle` writes to can be reached. Asked often: it MUST be cheap. */
  readonly isStoreUp: () => boolean;
  readonly log: Logger;
  readonly onClash: (clash: TopologyClash) => void;
  readonly observers: EventObservers;
}

/**
 * `waiting`: connected, and takes no events until they can be kept. `dead_letters_unconfirmed`: RabbitMQ has not
 * confirmed one for so long that all delivery may stop behind those that wait.
 */
export type ConsumerState = LinkState | 'waiting' | 'dead_letters_unconfirmed';

/** How often it is asked whether the store is there. */
const LOOK_MS = 1_000;

/** A store that is away for a moment is none to give a connection up for. */
const AWAY_MS = 3_000;

export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #link: Link;
  readonly #topology: Topology;
  readonly #stopping = new AbortController();
  readonly #inHand = new InHand();
  readonly #deadLettering: DeadLettering;
  #own: OwnQueues | undefined;
  #sources: SourceConnections | undefined;
  #storeAwaySinceMs: number | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#deadLettering = new DeadLettering(options);
    this.#link = new Link('carillon consumer', options.log, options.onClash);
    this.#topology = new Topology(options.partitioning);
  }

  get state(): ConsumerState {
    const { state } = this.#link;
    if (state !== 'up') return state;
    if (this.#intakes.some((intake) => intake.state === 'waiting')) return 'waiting';
    return this.#deadLettering.isUnconfirmed ? 'dead_letters_unconfirmed' : state;
  }

  /** What an operator reads. */
  get reason(): string {
    const { state } = this;
    return state === this.#link.state ? this.#link.reason : state;
  }

  get model(): ChannelModel | undefined {
    return this.#link.model;
  }

  /** RabbitMQ lets no consumer know that it is the active one; it gives events to no other. */
  get isActive(): boolean {
    return this.#intakes.some((intake) => intake.isActive);
  }

  /** The queue that this process is in line at, because RabbitMQ has other partitions than it. */
  get line(): string | undefined {
    return this.#own?.line;
  }

  /** Each of Carillon's own queues that this process is subscribed to. */
  get queues(): readonly { readonly queue: string; readonly isActive: boolean }[] {
    return this.#intakes;
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  /** How long ago the event that is in hand for the longest was published, or else received; 0 when there is none. */
  get oldestAgeMs(): number {
    const { oldest } = this.#inHand;
    if (oldest === undefined) return 0;
    const arrival = this.#arrivalOf(oldest);
    const read = this.#options.reader.read(arrival);
    const publishedAtMs = publishedAtOf(arrival.properties.headers, read.ok ? read.value.event : undefined);
    const ageMs =
      publishedAtMs === undefined ? performance.now() - oldest.atMs : this.#options.now() - publishedAtMs;
    return Math.max(0, ageMs);
  }

  /** Undefined without SOURCES_FILE, and before this is opened. */
  get sources(): SourceConnections | undefined {
    return this.#sources;
  }

  async open(address: AmqpAddress): Promise<void> {
    const { sources, log, partitioning, publisher } = this.#options;
    this.#own = new OwnQueues({
      partitioning,
      sources: () => this.#sources?.sources ?? [],
      address,
      log,
      intakeOf: (queue, counts) =>
        this.#intakeOf(queue, undefined, counts, (reason) => this.#own?.ended(reason)),
      ask: (queue) => askWhoIsFirst(publisher, queue),
      again: (reason) => this.#link.rebuild(reason),
    });
    if (sources !== undefined) {
      const intakeOf = (queue: string) => this.#intakeOf(queue, queue, true, () => {});
      const own = partitioning.count === 1 ? 'one queue' : 'partitions';
      const hasAll = () => this.#intakes.length > 0 && this.#intakes.every(({ isActive }) => isActive);
      const target = () => (this.line === undefined ? own : undefined);
      const isUp = () => this.#link.state === 'up' && !this.#stopping.signal.aborted;
      const model = () => (isUp() ? this.#link.model : undefined);
      this.#sources = new SourceConnections({ sources, address, log, model, intakeOf, target, hasAll });
      this.#sources.start();
    }
    await this.#link.open(address, (model) => this.#setup(model, address));
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    this.#looking.unref();
  }

  /** Takes nothing new and resolves when what is in hand is settled. */
  async drain(): Promise<void> {
    this.#end();
    await this.#inHand.end();
    // Acknowledgements leave at the end of the turn.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Gives everything unsettled back to RabbitMQ. */
  async close(): Promise<void> {
    this.#end();
    await this.#link.close();
  }

  #end(): void {
    this.#stopping.abort();
    clearInterval(this.#looking);
    this.#sources?.stop();
  }

  /** With nothing in hand, whoever cannot reach the store lets another consumer have the events, which perhaps can. */
  #look(): void {
    if (this.#link.state === 'up') void this.#own?.tick();
    if (this.#options.isStoreUp()) this.#storeAwaySinceMs = undefined;
    else this.#storeAwaySinceMs ??= performance.now();
    const awayMs = performance.now() - (this.#storeAwaySinceMs ?? Number.POSITIVE_INFINITY);
    const taking = this.#intakes.filter((intake) => intake.state === 'taking');
    if (awayMs < AWAY_MS || taking.length === 0 || this.#inHand.size > 0) return;
    for (const intake of taking) {
      intake.hurry();
      intake.state = 'none';
    }
    this.#link.rebuild('the store is away');
  }

  #mayTake(): boolean {
    const { isStoreUp, publisher, prefetch } = this.#options;
    if (!isStoreUp() || !this.#inHand.mayTake(prefetch)) return false;
    return !this.#deadLettering.hasUncopied || publisher.state === 'up';
  }

  async #setup(model: ChannelModel, address: AmqpAddress): Promise<void> {
    this.#inHand.begin(performance.now());
    await this.#topology.ensure(model, address);
    await this.#own?.open(model);
    // Not awaited: what is wrong with somebody else's queue keeps nobody waiting.
    this.#sources?.connect(model);
  }

  /** @param source the queue's name, unless it is Carillon's own */
  #intakeOf(
    queue: string,
    source: string | undefined,
    counts: boolean,
    onEnd: (reason: string) => void,
  ): Intake {
    const { log, prefetch } = this.#options;
    const partition = counts && source === undefined ? queue : undefined;
    return new Intake({
      queue,
      prefetch,
      log,
      stopping: this.#stopping.signal,
      mayTake: () => this.#mayTake(),
      onSubscribe: () => {
        this.#deadLettering.hasUncopied = false;
      },
      counts,
      onMessage: (message, acks, over) =>
        this.#take(acks, { message, queue: source, partition, atMs: performance.now() }, over),
      onEnd,
    });
  }

  #take(acks: Acks<ConsumeMessage>, held: Held, over: AbortSignal): Promise<void> | undefined {
    acks.took(held.message);
    // It stays unacknowledged: no later acknowledgement may cover it.
    if (this.#stopping.signal.aborted) return undefined;
    const settling = this.#settle(acks, held, over);
    this.#inHand.add(settling, held);
    return settling;
  }

  get #intakes(): readonly Intake[] {
    return this.#own?.intakes ?? [];
  }

  #arrivalOf({ message, queue }: Held): Arrival {
    return this.#options.sources === undefined ? message : arrivalOf(message, queue);
  }

  /** `over`: this process stops, or RabbitMQ delivers the message again because its channel is gone. */
  async #settle(acks: Acks<ConsumeMessage>, held: Held, over: AbortSignal): Promise<void> {
    const { message, atMs } = held;
    const { handle, log, reader, now, observers } = this.#options;
    const arrival = this.#arrivalOf(held);
    let life: EventLife | undefined;
    let settlement: Settlement = await settled(
      async () => {
        const read = reader.read(arrival);
        if (!read.ok) return { kind: 'dead-letter', refusal: read.refusal };
        const { event } = read.value;
        life = new EventLife(event, event, now(), atMs, held.partition);
        life.madeBy = reader.sourceNameOf(arrival);
        if (event.type !== CANARY_TYPE) observers.received(life);
        return await handle(event, life, publishedAtOf(message.properties.headers, event));
      },
      (fault) => log.error({ ...fault, ...namesOf(arrival, reader) }, 'the service failed on an event'),
    );
    const kept =
      settlement.kind === 'dead-letter'
        ? // With its origin also when this process knows no sources: another may read it, or a later one.
          await this.#deadLettering.keep(arrivalOf(message, held.queue), settlement.refusal, over)
        : 'yes';
    if (kept === 'no') settlement = RELEASE;
    if (!isUntold(settlement)) observers.settled(life ?? this.#unread(held), settlement);
    if (settlement.kind === 'release') return;
    this.#inHand.settled(held);
    if (kept === 'by RabbitMQ') acks.reject(message);
    else acks.settle(message);
  }

  /** Of a message that is no event. */
  #unread(held: Held): EventLife {
    const { now, observers, reader } = this.#options;
    const names = new NamesIn(this.#arrivalOf(held), reader);
    const life = new EventLife(undefined, names, now(), held.atMs, held.partition);
    observers.received(life);
    return life;
  }
}
