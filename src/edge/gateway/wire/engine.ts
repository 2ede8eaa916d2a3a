/**
 * The WebSocket server that Engine.IO gets as its `wsEngine`: ws, but permessage-deflate runs once a message and not
 * once a socket.
 *
 * Engine.IO's own `perMessageDeflate` MUST stay off: it would compress for each socket, and it never uses a frame
 * that is already encoded. Only `_extensions`, which holds the receiving side, is not public in ws. The versions are
 * pinned exactly, and a contract test fails when it moves.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { problem } from '../../../contract/problem.ts';
import { refuseStream } from '../../connections/refuse-stream.ts';
import { Compression, type CompressionOptions, WINDOW_BITS } from './compression.ts';
import { Inbound } from './inbound.ts';
import { negotiate } from './negotiation.ts';
import { type PendingLimits, WireSocket } from './wire-socket.ts';

export interface WireOptions extends CompressionOptions, PendingLimits {}

/** The class that Engine.IO instantiates. It creates two servers, the first of which never gets a connection. */
export function wireEngine(options: WireOptions): new (given: ServerOptions) => WebSocketServer {
  const compression = new Compression(options);
  return class extends WireServer {
    constructor(given: ServerOptions) {
      super(given, compression, options);
    }
  };
}

/** How long a client may take to answer a close frame. With ws' own 30 s its place would stay taken. */
const CLOSE_MS = 2_000;

class WireServer extends WebSocketServer<typeof WireSocket> {
  readonly #compression: Compression;
  readonly #limits: PendingLimits;

  constructor(given: ServerOptions, compression: Compression, options: WireOptions) {
    const maxPayload = options.maxInboundBytes;
    // ws' types do not have it yet.
    const closing: ServerOptions & { readonly closeTimeout: number } = { closeTimeout: CLOSE_MS };
    const own = { maxPayload, WebSocket: WireSocket, perMessageDeflate: compression.isOn };
    super({ ...given, ...closing, ...own });
    this.#compression = compression;
    // ws itself closes the connection as soon as it has written, whether or not the peer has read the answer.
    this.on('wsClientError', ({ message }, stream) =>
      refuseStream(stream, problem('bad_handshake', 400, message)),
    );
    this.#limits = options;
  }

  override handleUpgrade(
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
    opened: (socket: WireSocket, request: IncomingMessage) => void,
  ): void {
    const takesDeflated = this.#compression.isOn && settleExtensions(request);
    // Sends the answer to the handshake and Engine.IO's first packet, which follows some microtasks later, in one
    // write.
    stream.cork();
    super.handleUpgrade(request, stream, head, (socket) => {
      if (hasExtensions(socket)) replaceInbound(socket, this.#compression);
      socket.takeOver(stream, takesDeflated ? this.#compression : undefined, this.#limits);
      opened(socket, request);
    });
    setImmediate(() => stream.uncork());
  }
}

const DEFLATE = 'permessage-deflate';

/**
 * Leaves only an offer in the request that ws answers as this node needs it. Returns whether compressed frames may be
 * sent.
 */
function settleExtensions({ headers }: IncomingMessage): boolean {
  const header = headers['sec-websocket-extensions'];
  if (header === undefined) return false;
  try {
    const { offer, takesDeflated } = negotiate(header, WINDOW_BITS);
    if (offer === '') delete headers['sec-websocket-extensions'];
    else headers['sec-websocket-extensions'] = offer;
    return takesDeflated;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The header is malformed, and ws refuses the handshake.
    return false;
  }
}

interface Extended {
  readonly _extensions: Record<string, unknown>;
}

function hasExtensions(socket: WebSocket): socket is WebSocket & Extended {
  return '_extensions' in socket && typeof socket._extensions === 'object' && socket._extensions !== null;
}

function replaceInbound({ _extensions: extensions }: Extended, compression: Compression): void {
  if (extensions[DEFLATE] !== undefined) extensions[DEFLATE] = new Inbound(compression);
}
