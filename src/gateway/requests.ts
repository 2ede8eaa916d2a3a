/** What clients ask: each request is checked, answered through its acknowledgement, and never ends the socket. */
import type { Logger } from 'pino';
import type { z } from 'zod';
import { type Audience, roomOf } from '../contract/audience.ts';
import type { ReadEvent } from '../contract/cloudevent.ts';
import type { UserInbox } from '../contract/inbox.ts';
import { formatPath } from '../contract/refusal.ts';
import { type RequestError, type RequestErrorCode, type RequestName, requests } from '../contract/socket.ts';
import { allowsTopic, type Verify } from '../contract/token.ts';
import { postedEvent } from './posted.ts';
import type { GatewaySocket } from './server.ts';
import type { Session } from './session.ts';

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
  /** That one socket may be in. */
  readonly maxTopics: number;
  /** Notifications that a client may ask for when it subscribes. */
  readonly maxLast: number;
  /** Resolves once the queue has confirmed the event; rejects when it may not have it. */
  readonly publish: (read: ReadEvent) => Promise<void>;
  readonly maxEventBytes: number;
  readonly log: Logger;
}

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

function answersFor({
  inbox,
  verify,
  maxTopics,
  maxLast,
  publish,
  maxEventBytes,
}: RequestsOptions): Record<RequestName, Answer> {
  return {
    sync: checked(requests.sync, async ({ session }, { cursors }) => {
      if (session.isOver) return gone();
      const missed = await session.sync(cursors);
      return 'foreign' in missed
        ? failed('forbidden', `cursors: ${missed.foreign} is no audience of this session`)
        : missed;
    }),

    subscribe: checked(requests.subscribe, async ({ socket, session }, request, afterwards) => {
      if (session.isOver) return gone();
      const { topic, cursor, last } = request;
      if (last !== undefined && last > maxLast) return failed('bad_request', `last: at most ${maxLast}`);
      if (!allowsTopic(socket.data.identity.topics, topic)) return failed('forbidden', `topic "${topic}"`);
      const isIn = socket.rooms.has(roomOf(`topic:${topic}`));
      if (!isIn && session.topicCount >= maxTopics) {
        return failed('too_many_topics', `at most ${maxTopics}; unsubscribe from one first`);
      }
      const cursors = cursor === undefined ? undefined : { [`topic:${topic}`]: cursor };
      const entered = await session.enter(`topic:${topic}`, { cursors, last });
      const { audience, head, missed, release } = entered;
      afterwards(release);
      return { audience, epoch: head.epoch, head: head.offset, ...(missed === undefined ? {} : { missed }) };
    }),

    unsubscribe: checked(requests.unsubscribe, async ({ socket }, { topic }) => {
      const audience: Audience = `topic:${topic}`;
      if (!socket.rooms.has(roomOf(audience))) return failed('not_subscribed', `topic "${topic}"`);
      await socket.leave(roomOf(audience));
      return { audience };
    }),

    inbox: checked(requests.inbox, async ({ socket, session }, query) => {
      if (session.isOver) return gone();
      const page = await inbox.list(socket.data.identity.user, session.audiences, query);
      return page.ok ? page.value : { error: page.refusal };
    }),

    mark: checked(requests.mark, async ({ socket, session }, request) => {
      const marked = await inbox.mark(socket.data.identity.user, session.audiences, request, socket.id);
      return marked.ok ? marked.value : { error: marked.refusal };
    }),

    publish: checked(requests.publish, async ({ socket }, request) => {
      const { user, publish: allowed } = socket.data.identity;
      if (!allowsTopic(allowed, request.topic)) return failed('forbidden', `topic "${request.topic}"`);
      const posted = postedEvent(user, request, maxEventBytes);
      if (!posted.ok) {
        const { path, message } = posted.refusal;
        return failed('bad_request', [path, message].filter((part) => part !== undefined).join(' '));
      }
      await publish(posted.value);
      return { id: posted.value.event.id };
    }),

    authenticate: checked(requests.authenticate, async ({ socket, session }, { token }) => {
      const verified = await verify(token);
      if (session.isOver) return gone();
      if (!verified.ok && verified.code === 'unavailable') return failed('unavailable', 'try again later');
      if (!verified.ok || verified.identity.user !== socket.data.identity.user) {
        return failed('unauthorized', 'send a valid token of the same user');
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
