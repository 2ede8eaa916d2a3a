/** One audience's log as a feed sees it, with failures, pauses and losses at the test's will; and a feed on it. */

import { type Cursor, EMPTY_HEAD } from '../../../../src/contract/notification.ts';
import { Feed } from '../../../../src/edge/gateway/feed.ts';
import type { Inbox, Stored } from '../../../../src/pipeline/inbox/inbox.ts';
import type { Incarnation } from '../../../../src/pipeline/inbox/incarnations.ts';
import { type LiveMessage, packetOf } from '../../../../src/pipeline/inbox/live-message.ts';
import { InboxUnavailable } from '../../../../src/resilience/unavailable.ts';

export class FakeLog implements Inbox {
  head: Cursor = EMPTY_HEAD;
  entries: Stored[] = [];
  /** Newest first. */
  epochs: Incarnation[] = [];
  /** How many of the next questions fail. */
  failures = 0;
  /** What they fail with. */
  failure: Error = new InboxUnavailable('Redis is away');
  /** Questions so far: `head`, or the first and last offset of a read. */
  readonly asked: ('head' | readonly [number, number])[] = [];
  /** Awaited before a question is answered; what is answered is what the log held when it was asked. */
  delay: () => Promise<unknown> = async () => {};

  /** Appends the next notification, of a new event or of this one, and gives what would be published of it. */
  add(epoch: string, id?: string): LiveMessage {
    const offset = this.head.offset + 1;
    this.head = { epoch, offset };
    if (this.epochs[0]?.epoch !== epoch) this.epochs = [{ epoch, firstOffset: offset }, ...this.epochs];
    const json = jsonOf(epoch, offset, id);
    this.entries.push({ epoch, offset, json, appendedAtMs: 0 });
    return { epoch, offset, sampled: true, packet: packetOf(json) };
  }

  /** Loses everything from this offset on, as a store that restarts or fails over may; the next append tells. */
  lose(firstLost: number): void {
    this.entries = this.entries.filter(({ offset }) => offset < firstLost);
    this.head = { epoch: this.head.epoch, offset: firstLost - 1 };
  }

  /** Appends up to this offset; gives the last. */
  fill(epoch: string, last: number): LiveMessage {
    while (this.head.offset < last - 1) this.add(epoch);
    return this.add(epoch);
  }

  append() {
    return Promise.reject(new Error('a feed does not append'));
  }

  readNewest() {
    return Promise.reject(new Error('a feed reads forward'));
  }

  readEnvelopes() {
    return Promise.reject(new Error('a feed passes on whole notifications'));
  }

  places() {
    return Promise.reject(new Error('a feed looks for no event'));
  }

  shadows() {
    return Promise.reject(new Error('a feed shows everything'));
  }

  incarnations() {
    return this.#answer(this.epochs);
  }

  /** Epochs are one letter each here: the next one begins. */
  fence(_audience: string, place: Cursor) {
    const { epoch, offset } = this.head;
    if (place.epoch === epoch && place.offset > offset) {
      this.head = { epoch: String.fromCharCode(epoch.charCodeAt(0) + 1), offset };
      this.epochs = [{ epoch: this.head.epoch, firstOffset: offset + 1 }, ...this.epochs];
    }
    return this.#answer(this.head);
  }

  heads() {
    this.asked.push('head');
    return this.#answer([this.head]);
  }

  read(_audience: string, first: number, last: number) {
    this.asked.push([first, last]);
    return this.#answer(this.entries.filter(({ offset }) => offset >= first && offset <= last));
  }

  async #answer<T>(answer: T): Promise<T> {
    const fails = this.failures > 0;
    if (fails) this.failures -= 1;
    await this.delay();
    if (fails) throw this.failure;
    return answer;
  }
}

function jsonOf(epoch: string, offset: number, id = `${epoch}${offset}`): string {
  return JSON.stringify({ id, source: '/s', type: 't', offset });
}

export function messageOf(epoch: string, offset: number): LiveMessage {
  return { epoch, offset, sampled: true, packet: packetOf(jsonOf(epoch, offset)) };
}

/** A promise, and what resolves it. */
export function gate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** What a member was told: offsets of notifications, and resyncs. */
type Told = number | { readonly resync: Cursor };

/** A feed on a log. `enter` lets a member in and gives its cursor and the growing list of what it is told. */
export function feedOn(log: FakeLog, inForce: () => Promise<void> = async () => {}) {
  const passedOn: { readonly message: LiveMessage; readonly sockets: number }[] = [];
  const faults: unknown[] = [];
  const feed = new Feed('user:1', {
    inbox: log,
    inForce,
    observers: {
      passedOn: (_audience, message, sockets) => void passedOn.push({ message, sockets }),
      healed: () => {},
    },
    onFault: (_audience, error) => faults.push(error),
    now: Date.now,
  });
  const enter = (id: string) => {
    const told: Told[] = [];
    const cursor = feed.enter(id, {
      write: (frame) => told.push(offsetIn(frame.text)),
      resync: (_audience, head) => told.push({ resync: head }),
    });
    return { cursor, told };
  };
  return { log, feed, passedOn, faults, enter };
}

/** A feed that is open at the head of a log with that many entries of epoch `a`, and one member. */
export async function opened(length: number) {
  const log = new FakeLog();
  if (length > 0) log.fill('a', length);
  const all = feedOn(log);
  await all.feed.opened;
  log.asked.length = 0;
  return { ...all, member: all.enter('first') };
}

function offsetIn(packet: string): number {
  const [, notification]: [string, { offset: number }] = JSON.parse(packet.slice(2));
  return notification.offset;
}
