/** What clients ask: each request is checked, answered through its acknowledgement, and never ends the socket. */
import type { Logger } from 'pino';
import type { z } from 'zod';
import { type Audience, roomOf } from '../contract/audience.ts';
import type { UserInbox } from '../contract/inbox.ts';
import { formatPath } from '../contract/refusal.ts';
import { type RequestError, type RequestErrorCode, type RequestName, requests } from '../contract/socket.ts';
import { matchesTopic, type Verify } from '../contract/token.ts';
import type { GatewaySocket } from './server.ts';
import type { Session } from './session.ts';

/** Runs when the answer has been sent. */
type Afterwards = (run: () => void) => void;

type Answer = (body: unknown, afterwards: Afterwards) => Promise<unknown>;

export interface RequestsOptions {
  readonly inbox: UserInbox;
  readonly verify: Verify;
  readonly log: Logger;
}

export function answerRequests(socket: GatewaySocket, session: Session, options: RequestsOptions): void {
  const answers = new Map(Object.entries(answersFor(socket, session, options)));
  socket.onAny(async (name: string, ...args: unknown[]) => {
    const acknowledge = args.pop();
    if (typeof acknowledge !== 'function') return;
    const answer = answers.get(name);
    if (answer === undefined) {
      acknowledge(failed('unknown_request', `"${name}"; there are ${[...answers.keys()].join(', ')}`));
      return;
    }
    const then: (() => void)[] = [];
    try {
      await session.started;
      acknowledge(await answer(args[0], (run) => then.push(run)));
    } catch (error) {
      options.log.warn({ session: socket.id, request: name, reason: String(error) }, 'request failed');
      acknowledge(failed('unavailable', 'try again later'));
    }
    for (const run of then) run();
  });
}

function answersFor(
  socket: GatewaySocket,
  session: Session,
  { inbox, verify }: RequestsOptions,
): Record<RequestName, Answer> {
  return {
    sync: checked(requests.sync, async ({ cursors }) => {
      const missed = await session.sync(cursors);
      return 'foreign' in missed
        ? failed('forbidden', `cursors: ${missed.foreign} is no audience of this session`)
        : missed;
    }),

    subscribe: checked(requests.subscribe, async ({ topic, cursor }, afterwards) => {
      if (!matchesTopic(socket.data.identity.topics, topic)) return failed('forbidden', `topic "${topic}"`);
      const { audience, head, missed, release } = await session.enter(`topic:${topic}`, cursor);
      afterwards(release);
      return { audience, epoch: head.epoch, head: head.offset, ...(missed === undefined ? {} : { missed }) };
    }),

    unsubscribe: checked(requests.unsubscribe, async ({ topic }) => {
      const audience: Audience = `topic:${topic}`;
      if (!socket.rooms.has(roomOf(audience))) return failed('not_subscribed', `topic "${topic}"`);
      await socket.leave(roomOf(audience));
      return { audience };
    }),

    inbox: checked(requests.inbox, async (query) => {
      const page = await inbox.list(socket.data.identity.user, session.audiences, query);
      return page.ok ? page.value : { error: page.refusal };
    }),

    mark: checked(requests.mark, async (request) => {
      const marked = await inbox.mark(socket.data.identity.user, session.audiences, request, socket.id);
      return marked.ok ? marked.value : { error: marked.refusal };
    }),

    authenticate: checked(requests.authenticate, async ({ token }) => {
      const verified = await verify(token);
      if (!verified.ok || verified.identity.user !== socket.data.identity.user) {
        return failed('unauthorized', 'send a valid token of the same user');
      }
      session.renew(verified.identity);
      return { expiresAt: new Date(verified.identity.expiresAtMs).toISOString() };
    }),

    ping: checked(requests.ping, async ({ seq }) => ({
      ...(seq === undefined ? {} : { seq }),
      serverTime: new Date().toISOString(),
    })),
  };
}

/** Lets a handler see only requests that have the contract's form. */
function checked<Request, Result>(
  contract: { readonly request: z.ZodType<Request>; readonly answer: z.ZodType<Result> },
  handle: (request: Request, afterwards: Afterwards) => Promise<Result | RequestError>,
): Answer {
  return async (body, afterwards) => {
    const request = contract.request.safeParse(body ?? undefined);
    if (request.success) return await handle(request.data, afterwards);
    const [issue] = request.error.issues;
    return failed('bad_request', `${formatPath(issue?.path ?? [])} ${issue?.message}`.trim());
  };
}

function failed(code: RequestErrorCode, message: string): RequestError {
  return { error: { code, message } };
}
