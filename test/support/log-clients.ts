/**
 * Clients of one log that behave as docs/protocol.md says. Each live notification has the next offset, or the client
 * first gets word of a loss. A client that was away presents its cursor. It reads the inbox when something cannot be
 * recovered.
 */

import type { Cursor, Notification } from '../../src/contract/notification.ts';
import { NO_DELIVERY_OBSERVERS } from '../../src/edge/gateway/delivery-observer.ts';
import type { Feed } from '../../src/edge/gateway/feed.ts';
import { recover } from '../../src/edge/gateway/recovery.ts';
import { Portion } from '../../src/pipeline/inbox/answer-size.ts';
import { reaches } from '../../src/pipeline/inbox/incarnations.ts';
import type { SharedLog } from './shared-log.ts';
import { AUDIENCE } from './shared-log.ts';

/** How far the client has read the inbox, and which events were there. */
interface Reading {
  readonly at: Cursor;
  readonly held: ReadonlySet<string>;
}

type Told = Pick<Notification, 'id' | 'epoch' | 'offset'>;

const UNLIMITED = { maxNotifications: 10_000, observers: NO_DELIVERY_OBSERVERS, now: Date.now };

export class LogClient {
  readonly #log: SharedLog;
  readonly #name: string;
  /** Each event that the client has, with the number of losses that it had heard of by then. */
  readonly #seen = new Map<string, number>();
  readonly faults: string[] = [];
  #cursor: Cursor | undefined;
  #feed: Feed | undefined;
  /** Live notifications that arrive before the client knows where its feed begins. */
  #held: (() => void)[] | undefined;
  #losses = 0;
  readonly #readings: Reading[] = [];
  #reading: Promise<unknown> = Promise.resolve();

  constructor(name: string, log: SharedLog) {
    this.#name = name;
    this.#log = log;
  }

  get isHere(): boolean {
    return this.#feed !== undefined;
  }

  /**
   * Enters the feed with the client's cursor. The first time there is no cursor, and the client reads the inbox
   * instead.
   */
  async enter(feed: Feed): Promise<void> {
    await feed.opened;
    this.#feed = feed;
    const held: (() => void)[] = [];
    this.#held = held;
    const cursor = this.#cursor;
    const head = feed.enter(this.#name, {
      write: (frame) => this.#later(() => this.#tell(JSON.parse(frame.text.slice(2))[1])),
      resync: (_audience, at) => this.#later(() => this.#lose(at)),
    });
    this.#cursor = head;
    if (cursor === undefined) {
      await this.#readInbox(head);
    } else {
      const missed = await recover({ inbox: this.#log.inbox, ...UNLIMITED }, AUDIENCE, cursor, head, {
        portion: new Portion(Number.POSITIVE_INFINITY),
        meter: { spend: () => {} },
        isPartial: false,
      });
      if (missed.recovered) for (const one of missed.notifications) this.#see(one);
      else this.#lose(head);
    }
    this.#held = undefined;
    for (const run of held) run();
  }

  leave(): void {
    this.#feed?.leave(this.#name);
    this.#feed = undefined;
  }

  /**
   * The events that the log holds in the end and this client lacks. Events do not count that were missing when the
   * client read up to their place, and that came back later with another machine or a backup.
   */
  async missing(): Promise<readonly string[]> {
    await this.#reading;
    const { inbox } = this.#log;
    const entries = await inbox.read(AUDIENCE, 1, Number.MAX_SAFE_INTEGER);
    const incarnations = await inbox.incarnations(AUDIENCE);
    const missing = entries.filter((place) => {
      const wasGone = this.#readings.some(
        ({ at, held }) => reaches(at, place, incarnations) && !held.has(idIn(place)),
      );
      return !wasGone && !this.#seen.has(idIn(place));
    });
    return missing.map(idIn);
  }

  #later(run: () => void): void {
    if (this.#held === undefined) run();
    else this.#held.push(run);
  }

  #tell(notification: Told): void {
    const { epoch, offset, id } = notification;
    if (offset !== (this.#cursor?.offset ?? 0) + 1) {
      this.faults.push(`${this.#name}: ${id} at ${epoch} ${offset} behind ${JSON.stringify(this.#cursor)}`);
    }
    this.#cursor = { epoch, offset };
    this.#see(notification);
  }

  #see({ id, epoch, offset }: Told): void {
    if (this.#seen.get(id) === this.#losses) {
      this.faults.push(`${this.#name}: ${id} twice, the second time at ${epoch} ${offset}`);
    }
    this.#seen.set(id, this.#losses);
  }

  #lose(at: Cursor): void {
    this.#losses += 1;
    this.#cursor = at;
    this.#reading = this.#readInbox(at);
  }

  async #readInbox(at: Cursor): Promise<void> {
    // A real client reads page by page. It hears of each loss, but not of single entries that the log loses meanwhile.
    const losses = this.#losses;
    const held = await this.#log.inbox.read(AUDIENCE, 1, Number.MAX_SAFE_INTEGER);
    const ids = held.map(idIn);
    this.#readings.push({ at, held: new Set(ids) });
    for (const id of ids) {
      if (!this.#seen.has(id)) this.#seen.set(id, losses - 1);
    }
  }
}

function idIn({ json }: { readonly json: string }): string {
  return JSON.parse(json).id;
}
