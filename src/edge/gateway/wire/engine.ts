/**
 * The WebSocket server that Engine.IO is given as its `wsEngine`: ws, with permessage-deflate done once a message and
 * not once a socket.
 *
 * Engine.IO's own `perMessageDeflate` MUST stay off: it would compress for each socket, and never take a frame that
 * is made already. Not public in ws is only `_extensions`, where the receiving side is put in; the versions are
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

/** The class that Engine.IO makes its server of. It makes two, the first of which never sees a connection. */
export function wireEngine(options: WireOptions): new (given: ServerOptions) => WebSocketServer {
  const compression = new Compression(options);
  return class extends WireServer {
    constructor(given: ServerOptions) {
      super(given, compression, options);
    }
  };
}

/** A client that is told that it is over has so long to say the same; ws' own 30 s would keep its place taken. */
const CLOSE_MS = 2_000;

class WireServer extends WebSocketServer<typeof WireSocket> {
  readonly #compression: Compression;
  readonly #limits: PendingLimits;

  constructor(given: ServerOptions, compression: Compression, options: WireOptions) {
    const maxPayload = options.maxInboundBytes;
    // Not in ws' types yet.
    const closing: ServerOptions & { readonly closeTimeout: number } = { closeTimeout: CLOSE_MS };
    const own = { maxPayload, WebSocket: WireSocket, perMessageDeflate: compression.isOn };
    super({ ...given, ...closing, ...own });
    this.#compression = compression;
    // By itself ws closes the connection as soon as it has written, whether or not the peer has read.
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
    // The answer to the handshake and Engine.IO's first packet, some microtasks later, leave in one write.
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

/** Leaves in the request only an offer that ws answers as we want it. Whether compressed frames may be sent. */
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
    // Malformed: ws refuses the handshake.
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
