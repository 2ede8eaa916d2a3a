/** A small client of RabbitMQ's management HTTP API. */
import { z } from 'zod';

const requestTimeoutMs = 30_000;

const EVERYTHING = { configure: '.*', write: '.*', read: '.*' };

const queues = z.array(
  z.object({
    name: z.string(),
    type: z.string(),
    state: z.string().optional(),
    // RabbitMQ reports counts about a second late, and none at all before it has first taken them.
    messages: z.number().optional(),
    messages_ready: z.number().optional(),
    messages_unacknowledged: z.number().optional(),
    consumers: z.number().optional(),
    arguments: z.record(z.string(), z.unknown()),
  }),
);

const connections = z.array(
  z.object({ name: z.string(), vhost: z.string().optional(), client_properties: z.unknown().optional() }),
);

type QueueInfo = z.infer<typeof queues>[number];
type ConnectionInfo = z.infer<typeof connections>[number];

export interface Management {
  /**
   * `path`: the part behind `/api/`. The caller MUST encode its parts for a URI. All methods reject unless the status
   * is 2xx.
   */
  get(path: string): Promise<unknown>;
  put(path: string, body?: unknown): Promise<void>;
  post(path: string, body?: unknown): Promise<unknown>;
  delete(path: string): Promise<void>;
  queues(vhost: string): Promise<readonly QueueInfo[]>;
  /** A connection appears here about a second after it was opened. */
  connections(vhost: string): Promise<readonly ConnectionInfo[]>;
  /** Makes the broker close the connection. */
  closeConnection(name: string): Promise<void>;
  createVhost(name: string): Promise<void>;
  /** Creates a user who may do everything in the vhost. */
  createUser(name: string, password: string, vhost: string): Promise<void>;
}

/** `url` is `http://127.0.0.1:<port>`. */
export function managementAt(url: string): Management {
  const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;

  async function request(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${url}/api/${path}`, {
      method,
      // After a restart, the first request on a kept connection would fail.
      headers: { authorization, connection: 'close', 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} /api/${path}: ${response.status} ${answer}`);
    return answer === '' ? undefined : JSON.parse(answer);
  }

  return {
    get: (path) => request('GET', path),
    put: async (path, body = {}) => void (await request('PUT', path, body)),
    post: (path, body = {}) => request('POST', path, body),
    delete: async (path) => void (await request('DELETE', path)),
    queues: async (vhost) => queues.parse(await request('GET', `queues/${encodeURIComponent(vhost)}`)),
    connections: async (vhost) =>
      connections.parse(await request('GET', `vhosts/${encodeURIComponent(vhost)}/connections`)),
    closeConnection: async (name) =>
      void (await request('DELETE', `connections/${encodeURIComponent(name)}`)),
    async createVhost(name) {
      const vhost = encodeURIComponent(name);
      await request('PUT', `vhosts/${vhost}`, {});
      await request('PUT', `permissions/${vhost}/guest`, EVERYTHING);
    },
    async createUser(name, password, vhost) {
      const user = encodeURIComponent(name);
      await request('PUT', `users/${user}`, { password, tags: '' });
      await request('PUT', `permissions/${encodeURIComponent(vhost)}/${user}`, EVERYTHING);
    },
  };
}
