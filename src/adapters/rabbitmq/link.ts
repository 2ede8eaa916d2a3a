/**
 * A link is one connection to RabbitMQ that is kept up for ever. amqplib reconnects it after growing, jittered
 * pauses, and `setup` builds the channels on each connection.
 *
 * Publishing and consuming have a link each. RabbitMQ stops reading from a connection that publishes while it is
 * short of memory, and acknowledgements must not wait for that.
 */
import { type ChannelModel, connect, type RecoveringChannelModel } from 'amqplib';
import type { Logger } from 'pino';
import type { AmqpAddress } from '../../config/amqp-address.ts';
import { within } from '../../resilience/timeout.ts';
import { readHeadersSafely } from './amqplib-reader.ts';
import { NodesInTurn, socketOptionsOf, targetOf } from './connecting.ts';
import { type RabbitMqRefusal, refusalIn } from './refusal.ts';
import { settleCloses, whileOpen } from './settling.ts';
import { TopologyClash } from './topology-clash.ts';
import { TopologyMissing } from './topology-missing.ts';

/** `blocked`: connected, but RabbitMQ takes no publishes until it has memory or disk again. */
export type LinkState = 'connecting' | 'up' | 'blocked' | 'down' | 'clash';

const CONNECT_MS = 10_000;

/** RabbitMQ does not answer a request about a queue without a leader until it has one. */
const SETUP_MS = 15_000;

export class Link {
  state: LinkState = 'connecting';
  readonly #log: Logger;
  readonly #name: string;
  readonly #onClash: (clash: TopologyClash) => void;
  #recovering: RecoveringChannelModel | undefined;
  #model: ChannelModel | undefined;
  #isClosing = false;
  #refusal: RabbitMqRefusal | undefined;

  /** `onClash` is called when the topology cannot be declared. The link goes on trying. */
  constructor(name: string, log: Logger, onClash: (clash: TopologyClash) => void) {
    this.#name = name;
    this.#log = log;
    this.#onClash = onClash;
  }

  /**
   * Starts to connect and returns at once. `setup` runs on each new connection, and is given up when that closes or
   * does not get through in time.
   */
  async open(address: AmqpAddress, setup: (model: ChannelModel) => Promise<void>): Promise<void> {
    const inTurn = new NodesInTurn(address);
    const recovering = await connect(targetOf(address, inTurn), {
      ...socketOptionsOf(address, this.#name, CONNECT_MS),
      recovery: {
        waitForConnect: false,
        initialDelay: 200,
        maxDelay: 5_000,
        jitter: 0.5,
        setup: async (model: ChannelModel) => {
          this.#model = model;
          readHeadersSafely(model);
          settleCloses(model);
          // An error without a listener would end the process. A close follows, which starts the recovery.
          model.on('error', (error) =>
            this.#log.warn({ link: this.#name, reason: error.message }, 'RabbitMQ error'),
          );
          const silence = () => {
            throw new Error('RabbitMQ did not answer; is a queue without a leader?');
          };
          const built = setup(model);
          // RabbitMQ may close the connection for it: then that would be all that is heard of.
          built.catch((error: unknown) => {
            if (error instanceof TopologyClash) this.#onClash(error);
          });
          await within(SETUP_MS, whileOpen(model, built), silence);
        },
      },
    });
    this.#recovering = recovering;
    recovering.on('error', () => {});
    recovering.on('connect', () => {
      this.#refusal = undefined;
      this.#become('up');
    });
    recovering.on('disconnect', (error: Error) => {
      inTurn.next();
      this.#become('down', error);
    });
    recovering.on('connect-failed', (error: Error) => {
      inTurn.next();
      this.#refuse(error instanceof TopologyMissing ? error : refusalIn(error, address));
      this.#log.debug({ link: this.#name, reason: error.message }, 'RabbitMQ not reached');
      this.#become(error instanceof TopologyClash ? 'clash' : 'down', error);
    });
    recovering.on('blocked', (reason) => this.#become('blocked', new Error(reason)));
    recovering.on('unblocked', () => this.#become('up'));
  }

  /** The state, or what RabbitMQ refuses, in words for an operator. */
  get reason(): string {
    return this.#refusal === undefined ? this.state : describe(this.#refusal);
  }

  /** The newest connection, which may already be closed; undefined before the first. */
  get model(): ChannelModel | undefined {
    return this.#model;
  }

  /** Closes this connection, so that everything is set up again on a new one. */
  rebuild(reason: string): void {
    // Nothing needs to be done for a channel that closed because its connection did, or because this closes.
    if (this.#isClosing || this.state === 'down') return;
    this.#log.warn({ link: this.#name, reason }, 'RabbitMQ link is set up again');
    this.#model?.close().catch(() => {
      // It was closing already, so nothing is left to do.
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#recovering?.close();
    this.state = 'down';
  }

  #refuse(refusal: RabbitMqRefusal | undefined): void {
    if (refusal !== undefined && refusal.message !== this.#refusal?.message) {
      const { code, message } = refusal;
      this.#log.error({ link: this.#name, code, reason: message }, 'RabbitMQ refuses');
    }
    this.#refusal = refusal;
  }

  #become(state: LinkState, error?: Error): void {
    if (state === this.state) return;
    this.state = state;
    const level = state === 'up' ? 'info' : state === 'clash' ? 'error' : 'warn';
    const reason = this.#refusal?.message ?? error?.message;
    this.#log[level]({ link: this.#name, state, reason }, `RabbitMQ is ${state}`);
  }
}

export function describe({ code, message }: RabbitMqRefusal): string {
  return `${code}: ${message}`;
}
