/** A server that answers by script, and the client library connected to it with shortened waits. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Server, type Socket as ServerSocket } from 'socket.io';
import { expect, vi } from 'vitest';
import type { ClientOptions } from '../../src/clients/client/api.ts';
import { Client } from '../../src/clients/client/client.ts';
import { type Environment, environment } from '../../src/clients/client/environment.ts';
import type { InboxItem } from '../../src/contract/inbox.ts';
import type { Notification } from '../../src/contract/notification.ts';

/** Divides the client's waits, so that minutes take moments. */
const FASTER = 200;
export const HOUR_MS = 3_600_000;

export const tokenOf = (user: string) =>
  `e30.${Buffer.from(JSON.stringify({ sub: user })).toString('base64url')}.x`;

export function notification(offset: number, more: Partial<Notification> = {}): Notification {
  return {
    id: `e${offset}`,
    source: '/test',
    type: 'test',
    time: '2026-11-20T09:00:00Z',
    audience: 'user:ada',
    epoch: 'a',
    offset,
    severity: 'info',
    data: {},
    ...more,
  };
}

export const item = (offset: number, more: Partial<InboxItem> = {}): InboxItem => ({
  ...notification(offset),
  seen: false,
  read: false,
  archived: false,
  ...more,
});

export const missed = (head: number, notifications: Notification[], recovered = true) => ({
  epoch: 'a',
  head,
  recovered,
  notifications,
});

export const never = new Promise<never>(() => {});

class ScriptedServer {
  readonly #http = createServer();
  readonly #io = new Server(this.#http);
  readonly sockets: ServerSocket[] = [];
  /** The `auth` of each handshake, whether it was refused or not. */
  readonly handshakes: Record<string, unknown>[] = [];
  readonly requests: { readonly name: string; readonly body: unknown }[] = [];
  /** How many of the next handshakes are refused. `refusalCode` is the reason. */
  refusals = 0;
  refusalCode = 'unauthorized';
  session: Record<string, unknown> = {};
  answers: Record<string, (body: { [key: string]: unknown }, socket: ServerSocket) => unknown> = {};
  url = '';

  async start(): Promise<void> {
    this.#io.use((socket, next) => {
      this.handshakes.push(socket.handshake.auth);
      this.refusals -= 1;
      const refusal = Object.assign(new Error('no'), { data: { code: this.refusalCode } });
      next(this.refusals >= 0 ? refusal : undefined);
    });
    this.#io.on('connection', (socket) => {
      this.sockets.push(socket);
      socket.onAny(
        async (name: string, body: { [key: string]: unknown }, acknowledge: (answer: unknown) => void) => {
          this.requests.push({ name, body });
          const answer =
            this.answers[name] ?? (() => ({ error: { code: 'unknown_request', message: name } }));
          acknowledge(await answer(body, socket));
        },
      );
      socket.emit('session', {
        session: socket.id,
        user: 'ada',
        departments: [],
        audiences: { 'user:ada': { epoch: 'a', head: 0 }, global: { epoch: 'a', head: 0 } },
        unseen: 0,
        expiresAt: new Date(Date.now() + HOUR_MS).toISOString(),
        serverTime: new Date().toISOString(),
        ...this.session,
      });
    });
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    const address = this.#http.address();
    this.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  get socket(): ServerSocket {
    return this.sockets.at(-1) ?? expect.unreachable('nobody is connected');
  }

  asked(name: string): unknown[] {
    return this.requests.flatMap((request) => (request.name === name ? [request.body] : []));
  }

  /** Cuts the connection without a goodbye, as when a network goes away. */
  cut(): void {
    this.socket.conn.close();
  }

  async stop(): Promise<void> {
    await this.#io.close();
  }
}

export const soon = <T>(check: () => T) => vi.waitFor(check, { timeout: 20_000, interval: 5 });

function openClient(
  server: ScriptedServer,
  options: Partial<ClientOptions> = {},
  around: Partial<Environment> = {},
) {
  const real = environment();
  /** The client's waits that have ended, in milliseconds. */
  const waits: number[] = [];
  const told: string[] = [];
  const timers = new Set<object>();
  const client = new Client(
    { url: server.url, token: () => tokenOf('ada'), ...options },
    {
      ...real,
      openChannel: () => undefined,
      after: (delayMs, run) => {
        const timer = {};
        timers.add(timer);
        const cancel = real.after(delayMs / FASTER, () => {
          timers.delete(timer);
          waits.push(delayMs);
          run();
        });
        return () => {
          timers.delete(timer);
          cancel();
        };
      },
      ...around,
    },
  );
  client.on('notification', ({ id }, { isMissed }) => told.push(isMissed ? `${id} missed` : id));
  client.on('retracted', ({ id }) => told.push(`retracted ${id}`));
  client.on('resync', (audiences) => told.push(`resync ${Object.keys(audiences)}`));
  client.on('state', (state) => {
    const reason = 'reason' in state ? ` ${state.reason}` : '';
    told.push(`${state.status}${reason}`);
  });
  client.on('error', ({ code }) => told.push(`error ${code}`));
  return { client, told, waits, timers };
}

export type Opened = ReturnType<typeof openClient>;

/** A server and its clients, for one test. */
export class Bench {
  readonly server = new ScriptedServer();
  readonly #clients: Client[] = [];

  readonly open = (options: Partial<ClientOptions> = {}, around: Partial<Environment> = {}): Opened => {
    const opened = openClient(this.server, options, around);
    this.#clients.push(opened.client);
    return opened;
  };

  /** Opens a client and waits for its session. */
  readonly connected = async (
    options: Partial<ClientOptions> = {},
    around: Partial<Environment> = {},
  ): Promise<Opened> => {
    const opened = this.open(options, around);
    await soon(() => expect(opened.client.state.status).toBe('connected'));
    return opened;
  };

  /** Runs `begin`, which ends the session, and waits for the next session. */
  readonly reconnected = async (client: Client, begin: () => void): Promise<void> => {
    const before = this.server.sockets.length;
    begin();
    await soon(() => {
      expect(this.server.sockets.length).toBe(before + 1);
      expect(client.state.status).toBe('connected');
    });
  };

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.stop();
  }
}
