/** Clients' requests. Each one is checked and answered through its acknowledgement, and none ends the socket. */
import type { Logger } from 'pino';
import type { ReadEvent } from '../../contract/cloudevent.ts';
import { type RequestError, type RequestName, requests } from '../../contract/socket.ts';
import { allowsTopic, type Verify } from '../../contract/token.ts';
import type { Meter } from '../../pipeline/inbox/meter.ts';
import type { UserInbox } from '../../pipeline/inbox/user-inbox.ts';
import { OneAtATime } from '../../resilience/one-at-a-time.ts';
import type { EventQuota, RequestLimits } from '../limits/request-limits.ts';
import { type Answer, answerFailure, type Client, checked, failed, gone, rateLimited } from './answers.ts';
import { clientEvent } from './client-event.ts';
import { topicAnswers } from './topic-answers.ts';
import { pendingBytes } from './wire/shared-write.ts';

export interface RequestsOptions {
  readonly inbox: UserInbox;
  readonly verify: Verify;
  readonly limits: RequestLimits;
  readonly quota: EventQuota;
  /** A client that has more than this still to read gets no large answers. */
  readonly maxPendingBytes: number;
  /** Most topics that one socket may be in. */
  readonly maxTopics: number;
  /** Most notifications that a client may ask for when it subscribes. */
  readonly maxLast: number;
  /** Resolves once the queue has confirmed the event; rejects when the queue may not have it. */
  readonly publish: (read: ReadEvent) => Promise<void>;
  readonly maxEventBytes: number;
  readonly log: Logger;
}

/** For a client that has not read what was sent before. When it does depends on the client alone. */
const PENDING_RETRY_MS = 1_000;

export class ClientRequests {
  /** Shared by all sockets: closures for each would take kilobytes. */
  readonly #answers: ReadonlyMap<string, Answer>;
  readonly #log: Logger;

  constructor(options: RequestsOptions) {
    this.#answers = new Map(Object.entries(answersFor(options)));
    this.#log = options.log;
  }

  /** Answers a request of the client, if it wants an answer: the last argument is its acknowledgement then. */
  answer(client: Client, name: string, args: readonly unknown[]): void {
    const acknowledge = args.at(-1);
    if (!isAcknowledge(acknowledge)) return;
    void this.#run(client, name, args.length > 1 ? args[0] : undefined, acknowledge);
  }

  async #run(client: Client, name: string, body: unknown, acknowledge: Acknowledge): Promise<void> {
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
      // The client has left: there is nobody to answer and nothing to log.
      if (client.session.isOver) return;
      acknowledge(answerFailure(this.#log, error, { session: client.socket.id, request: name }));
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

  /** Answers a request that reads from the store, within the user's limits. */
  async function limited<Result>(
    { socket, session }: Client,
    answer: (meter: Meter) => Promise<Result>,
  ): Promise<Result | RequestError> {
    const turn = await options.limits.begin(socket.data.identity.user, () => !session.isOver);
    if (!turn.ok) return rateLimited('more than a user may ask for', turn.retryAfterMs);
    try {
      // One at a time for each socket, so that each request sees how much already waits for the client.
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
    sync: checked(requests.sync.request, (client, { cursors, partial = false }) =>
      limited(client, async (meter) => {
        const missed = await client.session.sync(cursors, meter, partial);
        return 'foreign' in missed
          ? failed('forbidden', `cursors: ${missed.foreign} is no audience of this session`)
          : missed;
      }),
    ),

    ...topicAnswers({ maxTopics, maxLast, limited, log: options.log }),

    inbox: checked(requests.inbox.request, (client, query) =>
      limited(client, async (meter) => {
        const { socket, session } = client;
        const page = await inbox.list(socket.data.identity.user, session.audiences, query, meter);
        return page.ok ? page.value : { error: page.refusal };
      }),
    ),

    mark: checked(requests.mark.request, (client, request) =>
      limited(client, async (meter) => {
        const { socket, session } = client;
        const { user } = socket.data.identity;
        const marked = await inbox.mark(user, session.audiences, request, socket.id, meter);
        return marked.ok ? marked.value : { error: marked.refusal };
      }),
    ),

    publish: checked(requests.publish.request, async (client, request) => {
      const { user, publish: allowed } = client.socket.data.identity;
      if (!allowsTopic(allowed, request.topic)) return failed('forbidden', `topic "${request.topic}"`);
      const event = clientEvent(user, request, maxEventBytes);
      if (!event.ok) {
        const { path, message } = event.refusal;
        return failed('bad_request', [path, message].filter((part) => part !== undefined).join(' '));
      }
      const waitMs = await quota.take(user, 1);
      if (waitMs !== undefined) return rateLimited('more events than a user may publish', waitMs);
      return await limited(client, async () => {
        await publish(event.value);
        return { id: event.value.event.id };
      });
    }),

    authenticate: checked(requests.authenticate.request, async ({ socket, session }, { token }) => {
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

    ping: checked(requests.ping.request, async (_client, { seq }) => ({
      ...(seq === undefined ? {} : { seq }),
      serverTime: new Date().toISOString(),
    })),
  };
}
