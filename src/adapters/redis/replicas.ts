/**
 * Waits until enough replicas have what a connection has written. Redis answers a write before any replica has it: a
 * primary that dies then takes it along, although RabbitMQ has forgotten the event.
 *
 * `WAIT` keeps its connection from everything else until the replicas answer, so it MUST be on one that only appends.
 * One is under way on a connection at a time, and answers for all that came before it.
 */
import type { Redis } from 'ioredis';
import { InboxUnavailable } from '../../resilience/unavailable.ts';
import { unavailable } from './script.ts';

/** Well below the time that a command may take on the same connection (timeouts.ts). */
const WAIT_MS = 500;

interface Waits {
  underWay: Promise<void>;
  /** Covers what was written while the one under way was waiting. */
  next: Promise<void> | undefined;
}

export class Replicas {
  readonly #least: number;
  readonly #byNode = new WeakMap<Redis, Waits>();
  #found: number | undefined;

  /** `least` replicas MUST have a write before it counts. */
  constructor(least: number) {
    this.#least = least;
  }

  /** Why appends are not acknowledged; undefined when enough replicas had the last one. */
  get shortage(): string | undefined {
    if (this.#found === undefined || this.#found >= this.#least) return undefined;
    return `${this.#found} of ${this.#least} replicas have what was appended`;
  }

  /**
   * Resolves when they have everything that the node has answered on this connection.
   *
   * A repeat writes nothing, and waits all the same: Redis takes the place where its own log stands after any command of
   * a connection (`client.woff` in its sources, of 7.0 as of 8).
   *
   * @throws {InboxUnavailable} when they do not have it in time, or Redis is away
   */
  have(node: Redis): Promise<void> {
    const waits = this.#byNode.get(node);
    if (waits === undefined) {
      const opened: Waits = { underWay: this.#wait(node), next: undefined };
      this.#byNode.set(node, opened);
      this.#follow(node, opened);
      return opened.underWay;
    }
    waits.next ??= waits.underWay.then(
      () => this.#wait(node),
      () => this.#wait(node),
    );
    return waits.next;
  }

  /** What waits behind the one under way comes to be under way itself, or nothing is any more. */
  #follow(node: Redis, waits: Waits): void {
    const ended = () => {
      if (waits.next === undefined) {
        this.#byNode.delete(node);
        return;
      }
      waits.underWay = waits.next;
      waits.next = undefined;
      this.#follow(node, waits);
    };
    waits.underWay.then(ended, ended);
  }

  async #wait(node: Redis): Promise<void> {
    this.#found = await unavailable(() => node.wait(this.#least, WAIT_MS));
    const { shortage } = this;
    if (shortage !== undefined) throw new InboxUnavailable(shortage);
  }
}
