/** A producer that speaks AMQP 1.0 to RabbitMQ's own listener. */
import { once } from 'node:events';
import { type Connection, create_container, message, type Sender, types } from 'rhea';
import { vhostOf } from './rabbitmq.ts';

/** A message as `rhea` takes it: `application_properties`, `content_type`, `body` and so on. */
export type Amqp10Message = Readonly<Record<string, unknown>>;

/** The bytes as one data section, which is how SDKs send them. */
export const dataOf = (content: string | Uint8Array): unknown => message.data_section(Buffer.from(content));
export const timestampOf = (ms: number): unknown => types.wrap_timestamp(ms);
export const longOf = (value: number): unknown => types.wrap_long(value);

/** `rhea` begins each message with an empty header and empty properties, of four bytes each. */
const EMPTY_BEFORE = 8;
/** `rhea` ends a message that has no body with a null value. */
const EMPTY_BODY = 4;

/** The section of application properties, encoded as on the wire. */
export function appPropertiesOf(properties: Readonly<Record<string, unknown>>): Buffer {
  return message.encode({ application_properties: properties }).subarray(EMPTY_BEFORE, -EMPTY_BODY);
}

/** The body's sections, encoded as on the wire. */
export function bodySectionsOf(body: unknown): Buffer {
  return message.encode({ body }).subarray(EMPTY_BEFORE);
}

export class Amqp10Producer {
  readonly #connection: Connection;
  readonly #sender: Sender;

  private constructor(connection: Connection, sender: Sender) {
    this.#connection = connection;
    this.#sender = sender;
  }

  /** Undefined when RabbitMQ does not speak AMQP 1.0: in version 3 it needs a plugin. */
  static async connect(amqpUrl: string): Promise<Amqp10Producer | undefined> {
    const { hostname, port, username, password } = new URL(amqpUrl);
    const connection = create_container().connect({
      host: hostname,
      port: Number(port),
      username,
      password,
      hostname: `vhost:${vhostOf(amqpUrl)}`,
      reconnect: false,
    });
    const failed = new Promise<false>((resolve) => {
      for (const event of ['disconnected', 'connection_error', 'protocol_error', 'error']) {
        connection.on(event, () => resolve(false));
      }
    });
    if ((await Promise.race([once(connection, 'connection_open'), failed])) === false) return undefined;
    // RabbitMQ 4 uses another form of address.
    const version = Number.parseInt(String(connection.properties?.version), 10);
    const address = version >= 4 ? '/exchanges/carillon.events/sdk' : '/exchange/carillon.events/sdk';
    const sender = connection.open_sender(address);
    if (!(await Promise.race([once(sender, 'sendable'), failed]))) return undefined;
    return new Amqp10Producer(connection, sender);
  }

  /** Resolves when RabbitMQ has accepted the message. */
  async send(sent: Amqp10Message): Promise<void> {
    const accepted = once(this.#sender, 'accepted');
    this.#sender.send({ durable: true, ...sent, body: sent.body });
    await accepted;
  }

  /** Sends a message that another program has encoded. Resolves when RabbitMQ has accepted it. */
  async sendEncoded(encoded: Buffer): Promise<void> {
    const accepted = once(this.#sender, 'accepted');
    this.#sender.send(encoded, undefined, 0);
    await accepted;
  }

  async close(): Promise<void> {
    const closed = once(this.#connection, 'connection_close');
    this.#connection.close();
    await closed;
  }
}
