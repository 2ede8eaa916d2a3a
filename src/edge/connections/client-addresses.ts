/**
 * Finds the address that a request comes from: that of its connection or, behind trusted proxies, what they wrote
 * into `X-Forwarded-For`. Limits and logs use only this, for sockets and HTTP alike.
 */
import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4, isIPv6, type Socket, SocketAddress } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';

/** The parts of a request that this reads. */
export interface Addressed {
  readonly socket: Pick<Socket, 'remoteAddress'>;
  readonly headers: IncomingMessage['headers'];
}

export class ClientAddresses {
  readonly #isTrusted: ReturnType<typeof proxyAddr.compile>;

  /** `trustedProxies`: addresses, or blocks of them. */
  constructor(trustedProxies: readonly string[]) {
    this.#isTrusted = proxyAddr.compile([...trustedProxies]);
  }

  /** Whether the peer of a connection is a trusted proxy, which may speak for others. */
  isProxy(socket: Addressed['socket']): boolean {
    return this.#isTrusted(peerOf(socket), 0);
  }

  /**
   * Each proxy appends the address of its own peer. So the last address is as reliable as the connection, and each
   * one before it as reliable as the proxy that it names. Reading stops at anything that is not an address; then the
   * address is that of the proxy that passed it on.
   */
  of({ socket, headers }: Addressed): string {
    let address = peerOf(socket);
    const header = [headers['x-forwarded-for'] ?? ''].flat().join(',');
    for (let end = header.length; end > 0 && this.#isTrusted(address, 0); ) {
      const comma = header.lastIndexOf(',', end - 1);
      const before = addressIn(header.slice(comma + 1, end));
      if (before === undefined) return address;
      address = before;
      end = comma;
    }
    return address;
  }
}

/** Empty when the connection has ended. */
export function peerOf({ remoteAddress = '' }: Addressed['socket']): string {
  return addressIn(remoteAddress) ?? '';
}

/**
 * The address under which connections are counted. Whoever has one IPv6 address usually has 2^64, so a /64 counts as
 * one client.
 */
export function countedAs(address: string): string {
  if (!isIPv6(address)) return address;
  const [start = '', end] = address.split('::');
  const first = start === '' ? [] : start.split(':');
  const last = end === undefined || end === '' ? [] : end.split(':');
  const zeros = end === undefined ? 0 : 8 - first.length - last.length;
  return `${[...first, ...Array<string>(zeros).fill('0'), ...last].slice(0, 4).join(':')}::/64`;
}

/** Length of the longest address with a zone and a port. */
const MAX_LENGTH = 100;

/** The canonical form of an address: IPv6 as short as possible, and IPv4 as such even when it is embedded in IPv6. */
function addressIn(text: string): string | undefined {
  // Nearly always, and several times for each connection.
  if (isIPv4(text)) return text;
  const written = text.trim();
  if (written.length > MAX_LENGTH) return undefined;
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(written) ?? [];
  const [, dotted] = /^([\d.]+):\d{1,5}$/.exec(written) ?? [];
  const address = (bracketed ?? dotted ?? written).replace(/%.*$/, '');
  if (bracketed !== undefined && !isIPv6(address)) return undefined;
  if (isIP(address) !== 6) return isIPv4(address) ? address : undefined;
  const short = new SocketAddress({ address, family: 'ipv6' }).address;
  const mapped = short.replace(/^::ffff:/, '');
  return isIPv4(mapped) ? mapped : short;
}
