/** Records what goes wrong in a page while a test drives it, and which hosts the page sends requests to. */
import type { Page } from 'playwright-core';
import { framesOf } from './contracts/watch.ts';

export interface PageWatch {
  /** Console errors and uncaught exceptions. */
  readonly faults: readonly string[];
  /** The hosts of all requests and WebSockets, with their ports. */
  readonly hosts: ReadonlySet<string>;
  readonly hostnames: ReadonlySet<string>;
}

/** MUST be called before the page navigates. `expected`: console errors that do not count as faults. */
export function watchPage(page: Page, expected?: RegExp): PageWatch {
  const faults: string[] = [];
  const hosts = new Set<string>();
  const hostnames = new Set<string>();
  const asks = (url: string) => {
    const { protocol, host, hostname } = new URL(url);
    if (protocol === 'data:') return;
    hosts.add(host);
    hostnames.add(hostname);
  };
  page.on('request', (request) => asks(request.url()));
  page.on('websocket', (socket) => {
    asks(socket.url());
    const frames = framesOf(socket.url());
    socket.on('framesent', ({ payload }) => frames?.sent(String(payload)));
    socket.on('framereceived', ({ payload }) => frames?.came(String(payload)));
  });
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected?.test(message.text())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  return { faults, hosts, hostnames };
}
