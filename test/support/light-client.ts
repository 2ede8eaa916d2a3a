/**
 * A cheap client: one process can run thousands. It is a WebSocket with only the necessary part of Socket.IO. It keeps
 * a cursor per audience, and presents the cursors whenever it connects. After each loss it goes to the next gateway,
 * and after a `goaway` it returns when the message says so. It can stop reading and still send pongs.
 */
import { WebSocket } from 'ws';
import type { Cursor, Notification } from '../../src/contract/notification.ts';
import type { Goaway, Session } from '../../src/contract/socket.ts';
import { framesOf } from './contracts/watch.ts';

const PATH = '/socket.io/?EIO=4&transport=websocket';
/** A Socket.IO client waits about this long after an unannounced loss. */
const RETURN_MS = [500, 1_500] as const;
const BLIND_PONG_EVERY_MS = 1_000;

const SESSION = '42["session",';
const NOTIFICATION = '42["notification",';
const GOAWAY = '42["goaway",';
const ANSWER = /^43\d+(\[.*)$/s;

/** The server accepts ten messages a second. */
const PART_EVERY_MS = 150;

export interface HeardGoaway extends Goaway {
  readonly atMs: number;
}

export class LightClient {
  /** Called for each session that begins. */
  onSession: () => void = () => {};
  readonly goaways: HeardGoaway[] = [];
  sessions = 0;
  /** How many notifications arrived in answers to cursors, with a session or after it. */
  recovered = 0;
  /** How often the server could not recover an audience. */
  unrecovered = 0;
  readonly #urls: readonly string[];
  readonly #token: string;
  readonly #cursors = new Map<string, Cursor>();
  readonly #seen = new Map<string, string[]>();
  /** Live notifications that wait until the rest of what was missed has arrived, by audience. */
  readonly #held = new Map<string, Notification[]>();
  #at = 0;
  /** How many `goaway` messages the client has obeyed. */
  #obeyed = 0;
  /** The frames of the present connection, which are checked against the contract. */
  #frames: ReturnType<typeof framesOf>;
  #socket: WebSocket | undefined;
  #isConnected = false;
  #pongs: NodeJS.Timeout | undefined;
  #return: NodeJS.Timeout | undefined;

  /** Connects to the first URL, and to the next one after each loss of the connection. */
  constructor(urls: readonly string[], token: string) {
    this.#urls = urls;
    this.#token = token;
    this.#connect();
  }

  /** Whether the client has a session now. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** The URL of the gateway that the client is connected to, or tries to reach. */
  get url(): string {
    return this.#urls[this.#at % this.#urls.length] ?? '';
  }

  /** The ids of an audience's events, in the order of arrival. */
  seen(audience: string): readonly string[] {
    return this.#seen.get(audience) ?? [];
  }

  /** Lasts until the connection is lost. Data that the operating system accepts in the meantime is never read. */
  stopReading(): void {
    const socket = this.#socket;
    socket?.pause();
    clearInterval(this.#pongs);
    this.#pongs = setInterval(() => socket?.send('3', () => {}), BLIND_PONG_EVERY_MS);
  }

  close(): void {
    clearTimeout(this.#return);
    clearInterval(this.#pongs);
    this.#isConnected = false;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
  }

  #connect(): void {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}${PATH}`, { perMessageDeflate: false });
    this.#socket = socket;
    const frames = framesOf(this.url);
    this.#frames = frames;
    socket.on('message', (data) => {
      frames?.came(String(data));
      this.#take(socket, String(data));
    });
    // A 'close' event follows and handles the loss.
    socket.on('error', () => {});
    socket.on('close', () => this.#lost(socket));
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#isConnected = false;
    this.#held.clear();
    clearInterval(this.#pongs);
    this.#at += 1;
    const [least, most] = RETURN_MS;
    const goaway = this.goaways.at(-1);
    const isAnnounced = goaway !== undefined && this.goaways.length > this.#obeyed;
    this.#obeyed = this.goaways.length;
    const delayMs = isAnnounced
      ? goaway.atMs + goaway.retryAfterMs - performance.now()
      : least + Math.random() * (most - least);
    this.#return = setTimeout(() => this.#connect(), Math.max(0, delayMs));
  }

  #take(socket: WebSocket, packet: string): void {
    if (this.#socket !== socket) return;
    if (packet.startsWith(NOTIFICATION)) {
      const [, notification]: [string, Notification] = JSON.parse(packet.slice(2));
      const held = this.#held.get(notification.audience);
      if (held === undefined) this.#tell(notification);
      else held.push(notification);
    } else if (packet === '2') {
      socket.send('3');
    } else if (packet.startsWith('0{')) {
      const auth = { token: this.#token, cursors: Object.fromEntries(this.#cursors) };
      socket.send(`40${JSON.stringify(auth)}`);
    } else if (packet.startsWith(SESSION)) {
      const [, session]: [string, Session] = JSON.parse(packet.slice(2));
      this.#begin(session);
    } else if (ANSWER.test(packet)) {
      const [answer]: [{ readonly audiences?: NonNullable<Session['missed']> }] = JSON.parse(
        ANSWER.exec(packet)?.[1] ?? '[{}]',
      );
      this.#recoverPart(answer.audiences ?? {});
    } else if (packet.startsWith(GOAWAY)) {
      const [, goaway]: [string, Goaway] = JSON.parse(packet.slice(2));
      this.goaways.push({ ...goaway, atMs: performance.now() });
    }
  }

  #begin({ audiences, missed = {} }: Session): void {
    for (const [audience, { epoch, head }] of Object.entries(audiences)) {
      const found = Object.entries(missed).find(([name]) => name === audience)?.[1];
      if (found?.reason === 'too_large') {
        this.#held.set(audience, []);
        continue;
      }
      if (found?.recovered === false) this.unrecovered += 1;
      if (found?.recovered) {
        for (const notification of found.notifications) this.#tell(notification);
        this.recovered += found.notifications.length;
      }
      this.#cursors.set(audience, { epoch, offset: head });
    }
    this.sessions += 1;
    this.#isConnected = true;
    this.#recoverPart({});
    this.onSession();
  }

  /** Recovers in parts what one answer could not hold. Live notifications wait until the last part. */
  #recoverPart(audiences: NonNullable<Session['missed']>): void {
    for (const [audience, found] of Object.entries(audiences)) {
      if (found === undefined) continue;
      for (const notification of found.notifications) this.#tell(notification);
      this.recovered += found.notifications.length;
      this.#cursors.set(audience, { epoch: found.epoch, offset: found.head });
      if (found.more) continue;
      if (!found.recovered) this.unrecovered += 1;
      // The parts reach the present end of the log, so they contain some of the held notifications.
      const behind = (this.#held.get(audience) ?? []).filter(({ offset }) => offset > found.head);
      for (const notification of behind) this.#tell(notification);
      this.#held.delete(audience);
    }
    const socket = this.#socket;
    if (this.#held.size === 0) return;
    const cursors = Object.fromEntries(
      [...this.#held.keys()].map((audience) => [audience, this.#cursors.get(audience)]),
    );
    setTimeout(() => {
      if (this.#socket !== socket || !this.#isConnected) return;
      const packet = `421${JSON.stringify(['sync', { cursors, partial: true }])}`;
      this.#frames?.sent(packet);
      socket?.send(packet, () => {});
    }, PART_EVERY_MS);
  }

  #tell({ audience, epoch, offset, id }: Notification): void {
    this.#cursors.set(audience, { epoch, offset });
    const seen = this.#seen.get(audience);
    if (seen === undefined) this.#seen.set(audience, [id]);
    else seen.push(id);
  }
}
