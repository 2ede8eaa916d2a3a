/**
 * Embedded mode asks for no real token, so it answers only this machine's own pages and programs. It listens on
 * loopback; but the user's browser can reach that too, and so can any page open in it. Such a page names its own
 * origin or, if its host name was rebound to 127.0.0.1 (DNS rebinding), its own host.
 */
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Problem, problem } from '../../contract/problem.ts';
import { refuseRequest, refuseStream } from '../connections/refuse-stream.ts';

/** Why a request is refused because of its origin or its host. */
export type RefusalOfStranger = (headers: IncomingHttpHeaders) => Problem | undefined;

/** `allowedOrigins`: origins that an operator lets in from anywhere; `*` means any. */
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

/** Whether `Host`, a name or an address with or without a port, is this machine, whatever a name server says. */
export function isLoopback(host: string | undefined): boolean {
  if (host === undefined || !/^(?:[\w.-]+|\[[\da-f:]+\])(?::\d+)?$/i.test(host)) return false;
  const url = `http://${host}/`;
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

/**
 * Checks the host before everything else that listens to the server, including Socket.IO and its files. The gateway
 * checks the origin of a connection itself, because it counts what it refuses. MUST be called when all of them
 * listen.
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
