/**
 * Clients and numbered events on a stack. Each test has a user of its own, so that no test sees another one's events.
 */
import type { Audience } from '../../src/contract/audience.ts';
import { tokenFor } from './carillon.ts';
import type { Checker } from './checker.ts';
import { connectClient, type TestClient } from './client.ts';
import type { Stack } from './stack.ts';
import { TrackingClient } from './tracking-client.ts';

const EVENTS_AT_ONCE = 100;

export class StackClients {
  readonly #stack: Stack;
  #users = 0;
  #open: { close(): void }[] = [];

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  get urls(): readonly string[] {
    return this.#stack.gateways.map(({ url }) => url);
  }

  newUser(): { readonly user: string; readonly audience: Audience } {
    this.#users += 1;
    return { user: `u${this.#users}`, audience: `user:u${this.#users}` };
  }

  /** A client that presents its cursors, and goes to the next gateway after each loss. */
  async track(user: string, urls = this.urls): Promise<TrackingClient> {
    const client = this.keep(new TrackingClient(urls, await tokenFor(user)));
    await client.begun(1);
    return client;
  }

  /** A client without cursors. */
  async plain(user: string, url = this.urls[0] ?? ''): Promise<TestClient> {
    const client = this.keep(connectClient(url, await tokenFor(user)));
    await client.session();
    return client;
  }

  async publish(checker: Checker, audience: Audience, count: number): Promise<void> {
    const events = Array.from({ length: count }, () => checker.next(audience));
    for (let i = 0; i < events.length; i += EVENTS_AT_ONCE) {
      await this.#stack.producer.publish(...events.slice(i, i + EVENTS_AT_ONCE));
    }
  }

  /** Makes {@link closeAll} close this client too. */
  keep<T extends { close(): void }>(client: T): T {
    this.#open.push(client);
    return client;
  }

  closeAll(): void {
    for (const client of this.#open) client.close();
    this.#open = [];
  }
}
