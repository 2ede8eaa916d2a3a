/**
 * A client that misses nothing, as docs/protocol.md asks of a plain Socket.IO client. It keeps a cursor per audience,
 * presents its cursors on every connection, handles what it missed before live notifications, and reads the inbox when
 * something cannot be recovered. For each audience, it keeps what its application saw, in order.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import type { InboxPage } from '../../src/contract/inbox.ts';
import type { Cursor, Notification } from '../../src/contract/notification.ts';
import type { Missed, MissedByAudience } from '../../src/contract/recovery.ts';
import type { Resync, Session } from '../../src/contract/socket.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 60_000;
/** The server accepts ten messages per second. */
const PART_EVERY_MS = 150;

export class TrackingClient {
  readonly #urls: readonly string[];
  readonly #token: string;
  readonly #cursors = new Map<string, Cursor>();
  readonly #seen = new Map<string, string[]>();
  #at = 0;
  #socket: Socket | undefined;
  /** Messages wait here until what the client missed before has been passed on. */
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;
  sessions = 0;
  /** How often something could not be recovered, so that the client read the inbox. */
  unrecovered = 0;

  /** Connects to the first URL, and to the next one after each loss of the connection. */
  constructor(urls: readonly string[], token: string) {
    this.#urls = urls;
    this.#token = token;
    this.connect();
  }

  /** The notifications of an audience that the application saw, in the order in which it saw them. */
  seen(audience: string): readonly string[] {
    return this.#seen.get(audience) ?? [];
  }

  connect(): void {
    const url = this.#urls[this.#at % this.#urls.length] ?? '';
    const auth = { token: this.#token, cursors: Object.fromEntries(this.#cursors) };
    const socket = io(url, { forceNew: true, reconnection: false, transports: ['websocket'], auth });
    this.#socket = socket;
    socket.on('session', (session: Session) => this.#then(() => this.#begin(session)));
    socket.on('notification', (notification: Notification) =>
      this.#then(async () => this.#tell(notification)),
    );
    socket.on('resync', ({ audiences }: Resync) => this.#then(() => this.#resync(audiences)));
    const again = () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#at += 1;
      if (!this.#isClosed)
        setTimeout(() => this.#socket === undefined && !this.#isClosed && this.connect(), 100);
    };
    socket.on('disconnect', again);
    socket.on('connect_error', again);
  }

  /** Drops the connection and stays away until {@link connect} is called. */
  leave(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.disconnect();
  }

  /** Resolves when the application has seen `count` notifications of the audience. */
  async saw(audience: string, count: number): Promise<void> {
    await until(
      `${count} of ${audience} (${this.seen(audience).length} seen)`,
      TIMEOUT_MS,
      () => this.seen(audience).length >= count,
    );
  }

  async begun(sessions: number): Promise<void> {
    await until(`${sessions} sessions`, TIMEOUT_MS, () => this.sessions >= sessions);
    await this.#work;
  }

  close(): void {
    this.#isClosed = true;
    this.leave();
  }

  #then(run: () => Promise<void>): void {
    this.#work = this.#work.then(run);
  }

  async #begin({ audiences, missed = {} }: Session): Promise<void> {
    for (const [audience, { epoch, head }] of Object.entries(audiences)) {
      const found: Missed | undefined = Object.entries(missed).find(([name]) => name === audience)?.[1];
      if (found === undefined) {
        this.#cursors.set(audience, { epoch, offset: head });
      } else if (found.recovered) {
        for (const notification of found.notifications) this.#tell(notification);
        this.#cursors.set(audience, { epoch: found.epoch, offset: found.head });
      } else if (found.reason === 'too_large' || found.reason === 'rate_limited') {
        await this.#recoverParts(audience, { epoch: found.epoch, offset: found.head });
      } else {
        await this.#readInbox(audience, { epoch: found.epoch, offset: found.head });
      }
    }
    this.sessions += 1;
  }

  /** Recovers in parts what one answer could not hold. Live messages wait in the meantime. */
  async #recoverParts(audience: string, upTo: Cursor): Promise<void> {
    const socket = this.#socket;
    for (let isOver = false; !isOver; ) {
      const cursors = { [audience]: this.#cursors.get(audience) };
      const answer: Partial<MissedByAudience> = await socket
        ?.timeout(TIMEOUT_MS)
        .emitWithAck('sync', { cursors, partial: true });
      const found = Object.values(answer.audiences ?? {})[0];
      if (found?.recovered === false) return await this.#readInbox(audience, upTo);
      for (const notification of found?.notifications ?? []) this.#tell(notification);
      if (found !== undefined) this.#cursors.set(audience, { epoch: found.epoch, offset: found.head });
      isOver = found !== undefined && found.more !== true;
      if (!isOver) await pause(PART_EVERY_MS);
    }
  }

  async #resync(audiences: Resync['audiences']): Promise<void> {
    for (const [audience, { epoch, head }] of Object.entries(audiences)) {
      await this.#readInbox(audience, { epoch, offset: head });
    }
  }

  /**
   * Reads the audience's notifications from the inbox: those not seen yet, up to the place where the live ones begin.
   */
  async #readInbox(audience: string, upTo: Cursor): Promise<void> {
    this.unrecovered += 1;
    const known = new Set(this.seen(audience));
    const found: Notification[] = [];
    let before: string | undefined;
    do {
      const page: InboxPage = await this.#socket
        ?.timeout(TIMEOUT_MS)
        .emitWithAck('inbox', { limit: 100, before });
      found.push(
        ...page.notifications.filter((one) => one.audience === audience && one.offset <= upTo.offset),
      );
      before = page.next;
    } while (before !== undefined);
    for (const one of found.toReversed()) if (!known.has(one.id)) this.#see(one);
    this.#cursors.set(audience, upTo);
  }

  #tell(notification: Notification): void {
    const { audience, epoch, offset } = notification;
    const cursor = this.#cursors.get(audience);
    if (cursor?.epoch === epoch && offset <= cursor.offset) return;
    this.#cursors.set(audience, { epoch, offset });
    this.#see(notification);
  }

  #see({ audience, id }: Notification): void {
    this.#seen.set(audience, [...this.seen(audience), id]);
  }
}
