/** RabbitMQ's management API, for what AMQP does not tell: policies, bindings, and of which type an exchange is. */
import { z } from 'zod';
import type { AmqpAddress } from '../config/amqp-address.ts';
import { Failure } from './failure.ts';
import { jsonIn } from './web.ts';

const ANSWER_MS = 5_000;
const DEFAULT_PORT = 15_672;

const NOUNS = { queues: 'a queue', exchanges: 'an exchange' } as const;

export class ManagementApi {
  /** Without a user name or a password. */
  readonly #base: string;
  readonly #login: string;
  readonly #password: string;
  readonly #isOwnLogin: boolean;
  readonly #vhost: string;

  /** @param url if undefined, the usual port on AMQP_URL's first host is used, with its user */
  constructor(address: AmqpAddress, url: string | undefined) {
    const { username, password, origin, pathname } = new URL(
      url ?? `http://${hostOf(address)}:${DEFAULT_PORT}`,
    );
    this.#isOwnLogin = username !== '';
    this.#login = this.#isOwnLogin ? decodeURIComponent(username) : address.username;
    this.#password = this.#isOwnLogin ? decodeURIComponent(password) : address.password;
    this.#base = `${origin}${pathname.replace(/\/$/, '')}/api`;
    this.#vhost = address.vhost;
  }

  /**
   * What it says of something in the virtual host of `AMQP_URL`; undefined when that is not there.
   *
   * @throws {Failure} when it refuses, or answers something else; rejects when it does not answer
   */
  async find<T>(
    kind: keyof typeof NOUNS,
    name: string,
    schema: z.ZodType<T>,
    below = '',
  ): Promise<T | undefined> {
    const response = await fetch(`${this.#base}/${kind}/${this.#inVhost(name)}${below}`, {
      headers: {
        authorization: `Basic ${Buffer.from(`${this.#login}:${this.#password}`).toString('base64')}`,
      },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (response.status === 404) return undefined;
    if (!response.ok)
      throw new Failure(
        'failed',
        `it answers ${response.status} to ${this.#isOwnLogin ? 'that user' : "AMQP_URL's user"}`,
      );
    const found = schema.safeParse(jsonIn(await response.text()));
    if (!found.success)
      throw new Failure('failed', `it answers something that does not describe ${NOUNS[kind]}`);
    return found.data;
  }

  /** The command that unbinds; curl asks for the password. */
  unbinding({ source, destination, destination_type, properties_key }: BindingInfo): string {
    const kind = destination_type === 'exchange' ? 'e' : 'q';
    const path = `bindings/${this.#inVhost('e', source, kind, destination, properties_key)}`;
    return `curl -u ${shellWord(this.#login)} -X DELETE ${shellWord(`${this.#base}/${path}`)}`;
  }

  #inVhost(...names: readonly string[]): string {
    return [this.#vhost, ...names].map(encodeURIComponent).join('/');
  }
}

export const bindingSchema = z.object({
  source: z.string(),
  destination: z.string(),
  destination_type: z.enum(['queue', 'exchange']),
  routing_key: z.string(),
  /** Routing key and arguments, as a path of this API names the binding. */
  properties_key: z.string(),
});

export type BindingInfo = z.infer<typeof bindingSchema>;

function hostOf({ nodes }: AmqpAddress): string {
  const host = nodes[0]?.host ?? '';
  return host.includes(':') ? `[${host}]` : host;
}

/** Names are of other people's choice, and somebody may paste the line. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
