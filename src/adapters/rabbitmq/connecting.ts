/** How amqplib connects to AMQP_URL: to which node, as whom, and by which certificates. */
import { type ChannelModel, connect, credentials, type Options, type SocketOptions } from 'amqplib';
import type { AmqpAddress, AmqpNode } from '../../config/amqp-address.ts';
import { type TlsOptions, tlsOptionsOf } from '../../config/tls-files.ts';
import { refusalIn } from './refusal.ts';

/** Without heartbeats, a peer that vanished silently is noticed only after RabbitMQ's own minute. */
const HEARTBEAT_SECONDS = 10;

/** Takes the nodes in turn. It begins with any, so that many processes spread over them. */
export class NodesInTurn {
  readonly #nodes: readonly AmqpNode[];
  #index: number;

  constructor({ nodes }: AmqpAddress, random: () => number = Math.random) {
    this.#nodes = nodes;
    this.#index = Math.floor(random() * nodes.length);
  }

  get node(): AmqpNode {
    const node = this.#nodes[this.#index];
    if (node === undefined) throw new Error('an address without a node');
    return node;
  }

  /** To be called when this one cannot be connected to, or the connection to it is lost. */
  next(): void {
    this.#index = (this.#index + 1) % this.#nodes.length;
  }
}

/** amqplib reads it again at each attempt to connect, and so goes to the node whose turn it is. */
export function targetOf({ isTls, vhost, parameters }: AmqpAddress, inTurn: NodesInTurn): Options.Connect {
  const { heartbeat = HEARTBEAT_SECONDS, ...others } = parameters;
  const given = Object.entries({ ...others, heartbeat }).filter(([, value]) => value !== undefined);
  const target = { protocol: isTls ? 'amqps' : 'amqp', vhost: encodeURIComponent(vhost) };
  Object.assign(target, Object.fromEntries(given));
  return Object.defineProperties(target, {
    hostname: { get: () => inTurn.node.host, enumerable: true },
    port: { get: () => inTurn.node.port, enumerable: true },
  });
}

export function socketOptionsOf(address: AmqpAddress, name: string, timeoutMs: number): SocketOptions {
  const { isTls, isExternal, username, password, tls = {} } = address;
  return {
    noDelay: true,
    timeout: timeoutMs,
    clientProperties: { connection_name: name },
    // amqplib decodes a URL's credentials byte by byte, which breaks everything but ASCII.
    credentials: isExternal ? credentials.external() : credentials.plain(username, password),
    ...(isTls ? readAgain(tlsOptionsOf(tls)) : {}),
  };
}

/** amqplib copies its options once, for all connections to come. It passes arrays on, whose elements are read each time. */
function readAgain(options: TlsOptions): Pick<SocketOptions, 'ca' | 'cert' | 'key'> {
  const names = ['ca', 'cert', 'key'] as const;
  const lists = names
    .filter((name) => name in options)
    .map((name) => [name, Object.defineProperty([''], 0, { get: () => options[name], enumerable: true })]);
  return Object.fromEntries(lists);
}

/**
 * One connection that is not kept up, to the first node that can be connected to.
 *
 * @param withinMs is shared by all nodes
 */
export async function connectOnce(
  address: AmqpAddress,
  name: string,
  withinMs: number,
): Promise<ChannelModel> {
  const inTurn = new NodesInTurn(address);
  const socketOptions = socketOptionsOf(address, name, Math.ceil(withinMs / address.nodes.length));
  for (let left = address.nodes.length; ; left -= 1) {
    try {
      return await connect(targetOf(address, inTurn), socketOptions);
    } catch (error) {
      // No other node would let this user in.
      const isRefused = error instanceof Error && refusalIn(error, address) !== undefined;
      if (left === 1 || isRefused) throw error;
      inTurn.next();
    }
  }
}
