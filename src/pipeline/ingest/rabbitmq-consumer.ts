/**
 * The consumer takes events from RabbitMQ and settles each by what became of it.
 *
 * It never cancels its subscription, neither when it stops nor when its store is away: RabbitMQ would make the next
 * consumer active at once, and that one's events could overtake what is still in hand here. When it stops it lets new
 * deliveries lie, finishes those in hand and closes the connection, upon which RabbitMQ puts what lies back in its old
 * place. When its store is away it gives its connection up as soon as it has nothing in hand, and otherwise when
 * RabbitMQ takes the channel away; on the next one it waits until events can be kept again (in-hand.ts).
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { Logger } from 'pino';
import { Acks } from '../../adapters/rabbitmq/acks.ts';
import { Link, type LinkState } from '../../adapters/rabbitmq/link.ts';
import type { Publisher } from '../../adapters/rabbitmq/publisher.ts';
import { DELIVER_QUEUE, Topology, type TopologyClash } from '../../adapters/rabbitmq/topology.ts';
import { CANARY_TYPE } from '../../contract/event.ts';
import type { Refusal } from '../../contract/refusal.ts';
import { deadLetter, NotCopied } from '../../operate/dead-letters/dead-letter-writer.ts';
import { namesOf } from '../../operate/dead-letters/stored-dead-letter.ts';
import { reasonOf } from '../../resilience/reason.ts';
import { EventLife } from '../event-life.ts';
import type { EventObservers } from '../event-observer.ts';
import { type Held, InHand } from './in-hand.ts';
import { readMessage } from './message.ts';
import { NamesIn } from './names-in.ts';
import { publishedAtOf } from './published-at.ts';
import { type Handle, isUntold, RELEASE, type Settlement, settled } from './settlement.ts';

export interface ConsumerOptions {
  readonly prefetch: number;
  readonly maxBytes: number;
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

/** How often it is asked whether events can be kept, while none are taken; and while some are. */
const [WAITING_LOOK_MS, LOOK_MS] = [100, 1_000];

/** A store that is away for a moment is none to give a connection up for. */
const AWAY_MS = 3_000;

const UNCONFIRMED_MS = 10_000;

export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #link: Link;
  readonly #topology = new Topology();
  readonly #stopping = new AbortController();
  readonly #inHand = new InHand();
  /** Dead letters that are not confirmed yet, the oldest first. */
  readonly #unconfirmed = new Set<{ readonly sinceMs: number }>();
  /** A dead letter was given up with its channel, before it was confirmed. */
  #hasUncopied = false;
  #subscription: 'none' | 'waiting' | 'taking' = 'none';
  #isActive = false;
  #storeAwaySinceMs: number | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#link = new Link('carillon consumer', options.log, options.onClash);
  }

  get state(): ConsumerState {
    const { state } = this.#link;
    if (state !== 'up') return state;
    if (this.#subscription === 'waiting') return 'waiting';
    const [oldest] = this.#unconfirmed;
    if (oldest === undefined || performance.now() - oldest.sinceMs < UNCONFIRMED_MS) return state;
    return 'dead_letters_unconfirmed';
  }

  /** What an operator reads. */
  get reason(): string {
    const { state } = this;
    return state === this.#link.state ? this.#link.reason : state;
  }

  get model(): ChannelModel | undefined {
    return this.#link.model;
  }

  /** RabbitMQ tells no consumer that it is the active one; it gives events to no other. */
  get isActive(): boolean {
    return this.#isActive;
  }

  get inHand(): number {
    return this.#inHand.size;
  }

  /** How long ago the event that is in hand for the longest was published, or else received; 0 when there is none. */
  get oldestAgeMs(): number {
    const { oldest } = this.#inHand;
    if (oldest === undefined) return 0;
    const { content, properties } = oldest.message;
    const read = readMessage(content, properties, this.#options.maxBytes);
    const publishedAtMs = publishedAtOf(properties.headers, read.ok ? read.value.event : undefined);
    const ageMs =
      publishedAtMs === undefined ? performance.now() - oldest.atMs : this.#options.now() - publishedAtMs;
    return Math.max(0, ageMs);
  }

  async open(url: string): Promise<void> {
    await this.#link.open(url, (model) => this.#setup(model));
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
  }

  /** With nothing in hand, whoever cannot reach the store lets another consumer have the events, which perhaps can. */
  #look(): void {
    if (this.#options.isStoreUp()) this.#storeAwaySinceMs = undefined;
    else this.#storeAwaySinceMs ??= performance.now();
    const awayMs = performance.now() - (this.#storeAwaySinceMs ?? Number.POSITIVE_INFINITY);
    if (awayMs < AWAY_MS || this.#subscription !== 'taking' || this.#inHand.size > 0) return;
    this.#subscription = 'none';
    this.#link.rebuild('the store is away');
  }

  #mayTake(): boolean {
    const { isStoreUp, publisher, prefetch } = this.#options;
    if (!isStoreUp() || !this.#inHand.mayTake(prefetch)) return false;
    return !this.#hasUncopied || publisher.state === 'up';
  }

  async #setup(model: ChannelModel): Promise<void> {
    const { log, prefetch } = this.#options;
    await this.#topology.declare(model);
    const channel = await model.createChannel();
    channel.on('error', (error) =>
      log.warn({ reason: error.message }, 'RabbitMQ closed the consuming channel'),
    );
    const gone = new AbortController();
    channel.on('close', () => {
      gone.abort();
      this.#isActive = false;
      this.#subscription = 'none';
      this.#link.rebuild('the consuming channel closed');
    });
    await channel.prefetch(prefetch);
    const acks = new Acks<ConsumeMessage>(channel);
    const over = AbortSignal.any([this.#stopping.signal, gone.signal]);
    // Node warns of more than ten listeners; each burial that waits is one.
    setMaxListeners(prefetch + 1, over);
    const take = (message: ConsumeMessage | null) => {
      if (message === null)
        this.#link.rebuild(`RabbitMQ cancelled the consumer: ${DELIVER_QUEUE} was deleted`);
      else this.#take(acks, message, over);
    };
    if (this.#mayTake()) await this.#subscribe(channel, take);
    else void this.#subscribeLater(channel, take, over);
  }

  async #subscribe(channel: Channel, take: (message: ConsumeMessage | null) => void): Promise<void> {
    this.#hasUncopied = false;
    this.#subscription = 'taking';
    await channel.consume(DELIVER_QUEUE, take);
  }

  /** Never rejects. */
  async #subscribeLater(
    channel: Channel,
    take: (message: ConsumeMessage | null) => void,
    over: AbortSignal,
  ): Promise<void> {
    const { log } = this.#options;
    this.#subscription = 'waiting';
    const code = 'consumer_waits';
    log.warn({ code, inHand: this.#inHand.size }, 'no events are taken until they can be kept');
    try {
      while (!this.#mayTake()) await pause(WAITING_LOOK_MS, undefined, { signal: over, ref: false });
      await this.#subscribe(channel, take);
      log.info('events are taken again');
    } catch (error) {
      // The channel is gone, and the next one comes here again; or this process stops.
      if (!over.aborted) log.warn({ reason: reasonOf(error) }, 'events are not taken yet');
    }
  }

  #take(acks: Acks<ConsumeMessage>, message: ConsumeMessage, over: AbortSignal): void {
    this.#isActive = true;
    acks.took(message);
    // It stays unacknowledged: no later acknowledgement may cover it.
    if (this.#stopping.signal.aborted) return;
    const held = { message, atMs: performance.now() };
    this.#inHand.add(this.#settle(acks, held, over), held);
  }

  /** `over`: this process stops, or RabbitMQ delivers the message again because its channel is gone. */
  async #settle(acks: Acks<ConsumeMessage>, held: Held, over: AbortSignal): Promise<void> {
    const { message, atMs } = held;
    const { handle, log, maxBytes, now, observers } = this.#options;
    let life: EventLife | undefined;
    let settlement: Settlement = await settled(
      async () => {
        const read = readMessage(message.content, message.properties, maxBytes);
        if (!read.ok) return { kind: 'dead-letter', refusal: read.refusal };
        const { event } = read.value;
        life = new EventLife(event, event, now(), atMs);
        if (event.type !== CANARY_TYPE) observers.received(life);
        return await handle(event, life, publishedAtOf(message.properties.headers, event));
      },
      (fault) => log.error({ ...fault, ...namesOf(message) }, 'the service failed on an event'),
    );
    const kept =
      settlement.kind === 'dead-letter' ? await this.#deadLetter(message, settlement.refusal, over) : 'yes';
    if (kept === 'no') settlement = RELEASE;
    if (!isUntold(settlement)) observers.settled(life ?? this.#unread(held), settlement);
    if (settlement.kind === 'release') return;
    this.#inHand.settled(held);
    if (kept === 'by RabbitMQ') acks.reject(message);
    else acks.settle(message);
  }

  /** Of a message that is no event. */
  #unread({ message, atMs }: Held): EventLife {
    const { now, observers } = this.#options;
    const life = new EventLife(undefined, new NamesIn(message), now(), atMs);
    observers.received(life);
    return life;
  }

  /** 'no' when it was given up before RabbitMQ had confirmed it; 'by RabbitMQ' when it MUST be rejected. */
  async #deadLetter(
    message: ConsumeMessage,
    refusal: Refusal,
    over: AbortSignal,
  ): Promise<'yes' | 'no' | 'by RabbitMQ'> {
    const { log, publisher } = this.#options;
    log.warn(
      { code: refusal.code, detail: refusal.message, path: refusal.path, ...namesOf(message) },
      'event becomes a dead letter',
    );
    const unconfirmed = { sinceMs: performance.now() };
    this.#unconfirmed.add(unconfirmed);
    try {
      await deadLetter(message, refusal, publisher, over);
      return 'yes';
    } catch (error) {
      if (!(error instanceof NotCopied)) {
        this.#hasUncopied = true;
        return 'no';
      }
      log.error({ reason: reasonOf(error.cause), ...namesOf(message) }, 'dead letter is left to RabbitMQ');
      return 'by RabbitMQ';
    } finally {
      this.#unconfirmed.delete(unconfirmed);
    }
  }
}
