/**
 * Chooses which of a peer's offers of permessage-deflate is accepted (RFC 7692, section 7.1), and on what terms.
 *
 * The terms are always `server_no_context_takeover`, so that one compressed frame fits every socket, and
 * `client_no_context_takeover`, so that a resting connection keeps no inflate state. A server may answer any offer
 * with both. An offer with an unknown parameter or an impossible value is declined, as the RFC says, and the
 * connection goes on without compression; ws itself would refuse the connection.
 */
import { extension } from 'ws';

declare module 'ws' {
  /** Exported by ws and missing from its types. `true` stands for a parameter without a value. */
  export const extension: {
    /** @throws {SyntaxError} when the header is malformed */
    parse(header: string): Readonly<Record<string, readonly Parameters[]>>;
  };
}

type Parameters = Readonly<Record<string, readonly (string | true)[]>>;

export interface Negotiated {
  /** The accepted offer, as the header's value; empty when there is none. */
  readonly offer: string;
  /** Whether frames that were compressed with the given window may be sent to this peer. */
  readonly takesDeflated: boolean;
}

const DECLINED: Negotiated = { offer: '', takesDeflated: false };

/**
 * @param header the value of `Sec-WebSocket-Extensions`
 * @param windowBits of the frames that this node compresses
 * @throws {SyntaxError} when the header is malformed; the handshake MUST be refused then (RFC 6455, section 9.1)
 */
export function negotiate(header: string, windowBits: number): Negotiated {
  const offers = extension.parse(header)['permessage-deflate'] ?? [];
  const valid = offers.filter(isValid);
  // What a peer with a small window sends can still be inflated. What it is sent is not compressed.
  const fitting = valid.find((offer) => serverWindowBits(offer) >= windowBits);
  const accepted = fitting ?? valid[0];
  if (accepted === undefined) return DECLINED;
  const bits = accepted['server_max_window_bits'];
  const window = bits === undefined ? '' : `; server_max_window_bits=${bits[0]}`;
  return {
    offer: `permessage-deflate; server_no_context_takeover; client_no_context_takeover${window}`,
    takesDeflated: fitting !== undefined,
  };
}

function serverWindowBits(offer: Parameters): number {
  return Number(offer['server_max_window_bits']?.[0] ?? 15);
}

const isWindow = (value: string | true) => value !== true && /^(8|9|1[0-5])$/.test(value);

/** A Map, because a peer chooses the names and every object has a `constructor`. */
const validValues = new Map<string, (value: string | true) => boolean>([
  ['server_no_context_takeover', (value) => value === true],
  ['client_no_context_takeover', (value) => value === true],
  ['server_max_window_bits', isWindow],
  ['client_max_window_bits', (value) => value === true || isWindow(value)],
]);

function isValid(offer: Parameters): boolean {
  return Object.entries(offer).every(([name, values]) => {
    const [value, ...repeats] = values;
    return value !== undefined && repeats.length === 0 && validValues.get(name)?.(value) === true;
  });
}
