/** What clients ask: each request is checked, answered through its acknowledgement, and never ends the socket. */
import type { Logger } from 'pino';
import type { z } from 'zod';
import { type Audience, roomOf } from '../contract/audience.ts';
import type { ReadEvent } from '../contract/cloudevent.ts';
import type { UserInbox } from '../contract/inbox.ts';
import { formatPath } from '../contract/refusal.ts';
import type { EventQuota, Meter, RequestLimits } from '../contract/request-limits.ts';
import { type RequestError, type RequestErrorCode, type RequestName, requests } from '../contract/socket.ts';
import { allowsTopic, type Verify } from '../contract/token.ts';
import { OneAtATime } from '../limits/one-at-a-time.ts';
import { postedEvent } from './posted.ts';
import type { GatewaySocket } from './server.ts';
import type { Session } from './session.ts';
import { pendingBytes } from './wire/shared-write.ts';

/** Runs when the answer has been sent. */
type Afterwards = (run: () => void) => void;

/** Whose request it is. */
interface Client {
  readonly socket: GatewaySocket;
  readonly session: Session;
}

type Answer = (client: Client, body: unknown, afterwards: Afterwards) => Promise<unknown>;

export interface RequestsOptions {
  readonly inbox: UserInbox;
  readonly verify: Verify;
  readonly limits: RequestLimits;
  readonly quota: EventQuota;
  /** Who has more than this to take first is not answered what is large. */
  readonly maxPendingBytes: number;
  /** That one socket may be in. */
  readonly maxTopics: number;
  /** Notifications that a client may ask for when it subscribes. */
  readonly maxLast: number;
  /** Resolves once the queue has confirmed the event; rejects when it may not have it. */
  readonly publish: (read: ReadEvent) => Promise<void>;
  readonly maxEventBytes: number;
  readonly log: Logger;
}

/** For who has not taken what is there: when that is depends on the client alone. */
const PENDING_RETRY_MS = 1_000;

export class Requests {
  /** One for all sockets: a set of closures for each would be kilobytes. */
  readonly #answers: ReadonlyMap<string, Answer>;
  readonly #log: Logger;

  constructor(options: RequestsOptions) {
    this.#answers = new Map(Object.entries(answersFor(options)));
    this.#log = options.log;
  }

  listen(socket: GatewaySocket, session: Session): void {
    socket.onAny((name: string, ...args: unknown[]) => {
      const acknowledge = args.pop();
      if (isAcknowledge(acknowledge)) void this.#answer({ socket, session }, name, args[0], acknowledge);
    });
  }

  async #answer(client: Client, name: string, body: unknown, acknowledge: Acknowledge): Promise<void> {
    const answer = this.#answers.get(name);
    if (answer === undefined) {
      const known = [...this.#answers.keys()].join(', ');
      acknowledge(failed('unknown_request', `"${name}"; there are ${known}`));
      return;
    }
    const then: (() => void)[] = [];
    try {
      await client.session.started;
      acknowledge(await answer(client, body, (run) => then.push(run)));
    } catch (error) {
      // Who has left is told nothing, and no fault is to be looked for.
      if (client.session.isOver) return;
      this.#log.warn({ session: client.socket.id, request: name, reason: String(error) }, 'request failed');
      acknowledge(failed('unavailable', 'try again later'));
    }
    for (const run of then) run();
  }
}

type Acknowledge = (answer: unknown) => void;

function isAcknowledge(value: unknown): value is Acknowledge {
  return typeof value === 'function';
}

function answersFor(options: RequestsOptions): Record<RequestName, Answer> {
  const { inbox, verify, quota, maxTopics, maxLast, publish, maxEventBytes } = options;
  const answering = new OneAtATime();

  /** For requests whose answer has to be looked for: within what the user may ask for. */
  async function limited<Result>(
    { socket, session }: Client,
    answer: (meter: Meter) => Promise<Result>,
  ): Promise<Result | RequestError> {
    const turn = await options.limits.begin(socket.data.identity.user, () => !session.isOver);
    if (!turn.ok) return rateLimited('more than a user may ask for', turn.retryAfterMs);
    try {
      // One after the other, so that what each finds waiting for the client is known.
      return await answering.run(socket.id, async () => {
        if (session.isOver) return gone();
        const isBehind = pendingBytes(socket.conn) > options.maxPendingBytes;
        if (isBehind) return rateLimited('take the answers before first', PENDING_RETRY_MS);
        return await answer(turn.meter);
      });
    } finally {
      turn.end();
    }
  }

  return {
    sync: checked(requests.sync, (client, { cursors, partial = false }) =>
      limited(client, async (meter) => {
        const missed = await client.session.sync(cursors, meter, partial);
        return 'foreign' in missed
          ? failed('forbidden', `cursors: ${missed.foreign} is no audience of this session`)
          : missed;
      }),
    ),

    subscribe: checked(requests.subscribe, async (client, request, afterwards) => {
      const { socket, session } = client;
      if (session.isOver) return gone();
      const { topic, cursor, last } = request;
      if (last !== undefined && last > maxLast) return failed('bad_request', `last: at most ${maxLast}`);
      if (!allowsTopic(socket.data.identity.topics, topic)) return failed('forbidden', `topic "${topic}"`);
      const isIn = socket.rooms.has(roomOf(`topic:${topic}`));
      if (!isIn && session.topicCount >= maxTopics) {
        return failed('too_many_topics', `at most ${maxTopics}; unsubscribe from one first`);
      }
      const cursors = cursor === undefined ? undefined : { [`topic:${topic}`]: cursor };
      const enter = async (meter: Meter | undefined) => {
        const entered = await session.enter(`topic:${topic}`, { cursors, last, meter });
        const { audience, head, missed, release } = entered;
        afterwards(release);
        const { epoch, offset } = head;
        return { audience, epoch, head: offset, ...(missed === undefined ? {} : { missed }) };
      };
      const isPlain = cursor === undefined && last === undefined;
      return isPlain ? await enter(undefined) : await limited(client, enter);
    }),

    unsubscribe: checked(requests.unsubscribe, async ({ socket }, { topic }) => {
      const audience: Audience = `topic:${topic}`;
      if (!socket.rooms.has(roomOf(audience))) return failed('not_subscribed', `topic "${topic}"`);
      await socket.leave(roomOf(audience));
      return { audience };
    }),

    inbox: checked(requests.inbox, (client, query) =>
      limited(client, async (meter) => {
        const { socket, session } = client;
        const page = await inbox.list(socket.data.identity.user, session.audiences, query, meter);
        return page.ok ? page.value : { error: page.refusal };
      }),
    ),

    mark: checked(requests.mark, (client, request) =>
      limited(client, async (meter) => {
        const { socket, session } = client;
        const { user } = socket.data.identity;
        const marked = await inbox.mark(user, session.audiences, request, socket.id, meter);
        return marked.ok ? marked.value : { error: marked.refusal };
      }),
    ),

    publish: checked(requests.publish, async (client, request) => {
      const { user, publish: allowed } = client.socket.data.identity;
      if (!allowsTopic(allowed, request.topic)) return failed('forbidden', `topic "${request.topic}"`);
      const posted = postedEvent(user, request, maxEventBytes);
      if (!posted.ok) {
        const { path, message } = posted.refusal;
        return failed('bad_request', [path, message].filter((part) => part !== undefined).join(' '));
      }
      const waitMs = await quota.take(user, 1);
      if (waitMs !== undefined) return rateLimited('more events than a user may publish', waitMs);
      return await limited(client, async () => {
        await publish(posted.value);
        return { id: posted.value.event.id };
      });
    }),

    authenticate: checked(requests.authenticate, async ({ socket, session }, { token }) => {
      const verified = await verify(token);
      if (session.isOver) return gone();
      if (!verified.ok && verified.code === 'unavailable') return failed('unavailable', 'try again later');
      if (!verified.ok || verified.identity.user !== socket.data.identity.user) {
        const detail = verified.ok ? undefined : verified.detail;
        return failed('unauthorized', detail ?? 'send a valid token of the same user');
      }
      session.renew(verified.identity);
      return { expiresAt: new Date(verified.identity.expiresAtMs).toISOString() };
    }),

    ping: checked(requests.ping, async (_client, { seq }) => ({
      ...(seq === undefined ? {} : { seq }),
      serverTime: new Date().toISOString(),
    })),
  };
}

/** Lets a handler see only requests that have the contract's form. */
function checked<Request, Result>(
  contract: { readonly request: z.ZodType<Request>; readonly answer: z.ZodType<Result> },
  handle: (client: Client, request: Request, afterwards: Afterwards) => Promise<Result | RequestError>,
): Answer {
  return async (client, body, afterwards) => {
    const request = contract.request.safeParse(body ?? undefined);
    if (request.success) return await handle(client, request.data, afterwards);
    const [issue] = request.error.issues;
    return failed('bad_request', `${formatPath(issue?.path ?? [])} ${issue?.message}`.trim());
  };
}

/**
 * For requests of a session that is over, whose answer nobody hears: what only reads is not read any more. `mark` and
 * `publish` change what others see, and what a client asked before it left is done.
 */
function gone(): RequestError {
  return failed('unavailable', 'the session is over');
}

function failed(code: RequestErrorCode, message: string): RequestError {
  return { error: { code, message } };
}

function rateLimited(message: string, retryAfterMs: number): RequestError {
  return { error: { code: 'rate_limited', message, retryAfterMs: Math.ceil(retryAfterMs) } };
}
