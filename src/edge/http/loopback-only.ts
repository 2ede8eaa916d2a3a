/**
 * Embedded mode asks for no real token, so it answers only to this machine's own pages and programs. It listens on
 * loopback; but the browser of whoever runs it reaches that too, and with it any page that is open there. Such a page
 * names its own origin or, when its name was rebound to 127.0.0.1 meanwhile (DNS rebinding), its own host.
 */
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Problem, problem } from '../../contract/problem.ts';
import { refuseRequest, refuseStream } from '../connections/refuse-stream.ts';

/** Why a request is refused for where it comes from or goes to. */
export type RefusalOfStranger = (headers: IncomingHttpHeaders) => Problem | undefined;

/** `allowedOrigins`: pages that an operator lets in wherever they are from; `*` any. */
export function loopbackOnly(allowedOrigins: readonly string[]): RefusalOfStranger {
  return (headers) => {
    const { origin } = headers;
    const refusal = refusalOfHost(headers);
    if (refusal !== undefined) return refusal;
    if (origin === undefined || allowedOrigins.includes('*') || allowedOrigins.includes(origin))
      return undefined;
    const isOwn = URL.canParse(origin) && isLoopback(new URL(origin).host);
    return isOwn ? undefined : problem('origin', 403, 'origin not allowed');
  };
}

function refusalOfHost({ host }: IncomingHttpHeaders): Problem | undefined {
  if (isLoopback(host)) return undefined;
  return problem('misdirected', 421, 'embedded mode answers to localhost, 127.0.0.1 and [::1] alone');
}

/** Whether `Host`, a name or an address with or without a port, is this machine whatever a name server says. */
export function isLoopback(host: string | undefined): boolean {
  if (host === undefined || !/^(?:[\w.-]+|\[[\da-f:]+\])(?::\d+)?$/i.test(host)) return false;
  const url = `http://${host}/`;
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

/**
 * Asks for the host before all who listen to the server, Socket.IO and its files among them; the origin of a connection is
 * for the gateway to judge, which counts what it refuses. MUST be called when all of them listen.
 */
export function refuseOtherHosts(server: Server): void {
  const onRequest = takeListeners(server, 'request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const refusal = refusalOfHost(request.headers);
    if (refusal === undefined) onRequest(request, response);
    else refuseRequest(response, refusal);
  });
  const onUpgrade = takeListeners(server, 'upgrade');
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const refusal = refusalOfHost(request.headers);
    if (refusal === undefined) onUpgrade(request, stream, head);
    else refuseStream(stream, refusal);
  });
}

function takeListeners(server: Server, event: 'request' | 'upgrade'): (...args: unknown[]) => void {
  const listeners = server.listeners(event);
  server.removeAllListeners(event);
  return (...args) => {
    for (const listener of listeners) Reflect.apply(listener, server, args);
  };
}
