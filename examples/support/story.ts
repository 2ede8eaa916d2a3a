/**
 * What every story stands on: a Carillon to tell it with, the story's page, and what its services need. Which Carillon
 * it is, the environment says:
 *
 * - nothing set: an embedded one of its own, without RabbitMQ and Redis
 * - AMQP_URL and REDIS_URL: a real one of its own on those
 * - CARILLON_URL and JWT_SECRET: one that runs already; with AMQP_URL the services talk to its RabbitMQ
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import pRetry from 'p-retry';
import { connectBroker } from './broker.ts';
import { freePort } from './free-port.ts';
import { connectHttp } from './http.ts';
import type { Signal, StoryEvent } from './link.ts';
import { type Answer, type PageServer, servePages } from './pages.ts';
import { type Environment, startCarillon } from './service.ts';

/** Of a token, besides `sub`: see docs/protocol.md. */
export interface Claims {
  readonly departments?: readonly string[];
  readonly topics?: readonly string[];
  readonly publish?: readonly string[];
  readonly scope?: string;
}

export interface StoryOptions {
  /** Its folder in examples/, and the `source` of its events. */
  readonly name: string;
  /** What the token of whoever logs in on the page says; left out: the story has no page. */
  readonly page?: { readonly claims: (user: string) => Claims };
  /** More variables for a Carillon that is started here, for example UNREACHED_AFTER. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Read in place of `process.env`. */
  readonly environment?: Environment | undefined;
}

export interface Story {
  readonly carillonUrl: string;
  /** Of the story's page; without one it is Carillon's own. */
  readonly pageUrl: string;
  /** A token as the company's login service would make it. */
  token(user: string, claims?: Claims): Promise<string>;
  /** Resolves with the event's id once Carillon has it for good; sends again what was not confirmed. */
  publish(event: StoryEvent): Promise<string>;
  /** Tells every signal of Carillon from when it resolves. */
  signals(onSignal: (signal: Signal) => void): Promise<void>;
  /** Answers what the page asks for with `ask(name, body)` of page.ts. */
  answer(name: string, answer: Answer): void;
  stop(): Promise<void>;
}

/** What a story.ts exports as `run`, which gives it the environment to read in place of `process.env`. */
export type Run = (environment?: Environment) => Promise<RunningStory>;

export interface RunningStory {
  readonly url: string;
  stop(): Promise<void>;
}

const USER = /^[A-Za-z0-9._~-]{1,40}$/;

export async function startStory(options: StoryOptions): Promise<Story> {
  const { name, page, environment = process.env } = options;
  const { AMQP_URL: amqpUrl, CARILLON_URL: runningUrl } = environment;
  const secret = environment.JWT_SECRET ?? randomBytes(32).toString('hex');
  if (runningUrl !== undefined && environment.JWT_SECRET === undefined) {
    throw new Error('CARILLON_URL is set: JWT_SECRET must be too, the same as the service has.');
  }
  const token = (user: string, claims: Claims = {}) => sign(secret, user, claims);
  const carillonUrl = runningUrl ?? `http://127.0.0.1:${await freePort()}`;
  const opened: { close(): Promise<void> }[] = [];
  const stop = async () => {
    for (const part of opened.splice(0).reverse()) await part.close();
  };

  try {
    let pages: PageServer | undefined;
    if (page !== undefined) {
      const login = async (user: string) => {
        if (!USER.test(user)) throw new Error(`"${user}" is no name: use letters, digits and . _ ~ -`);
        return { url: carillonUrl, token: await token(user, page.claims(user)) };
      };
      pages = await servePages({ story: name, login, port: Number(environment.STORY_PORT ?? 0) });
      opened.push(pages);
    }
    if (runningUrl === undefined) {
      const settings = { ...options.settings, JWT_SECRET: secret, ALLOWED_ORIGINS: pages?.url ?? '' };
      opened.push(await startCarillon(carillonUrl, { environment, settings }));
    }
    const producerToken = () => token(name, { scope: 'events:write' });
    const link =
      amqpUrl === undefined ? connectHttp(carillonUrl, producerToken) : await connectBroker(amqpUrl, name);
    opened.push(link);

    return {
      carillonUrl,
      pageUrl: pages?.url ?? carillonUrl,
      token,
      stop,
      signals: (onSignal) => link.signals(onSignal),
      answer(question, answer) {
        if (pages === undefined) throw new Error('A story without a page is asked nothing.');
        pages.answer(question, answer);
      },
      async publish(event) {
        const id = event.id ?? randomUUID();
        const defaults = { specversion: '1.0', source: `/${name}`, time: new Date().toISOString() };
        // With the same id each time, so that Carillon delivers it once however often it arrives.
        await pRetry(() => link.publish({ ...defaults, ...event, id }), {
          minTimeout: 200,
          maxTimeout: 5_000,
        });
        return id;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Short, as tokens should be: `carillon-client` asks for a fresh one in time. */
async function sign(secret: string, user: string, claims: Claims): Promise<string> {
  return await new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(new TextEncoder().encode(secret));
}
