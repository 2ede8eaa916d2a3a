/** `GET /console/live`: what happens to events, as Server-Sent Events, for as long as somebody watches. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { problem } from '../../../contract/problem.ts';
import type { Activity } from '../../../observe/activity/activity.ts';
import { EventStream } from '../event-stream.ts';
import { sendProblem } from '../problems.ts';

export interface LiveOptions {
  readonly activity: Activity;
  /** Aborts when the service stops, because open streams would delay that. */
  readonly closing: AbortSignal;
  /** Called every `checkMs`. The stream ends when it resolves with false. */
  readonly stillMay: (request: FastifyRequest) => Promise<boolean>;
  readonly checkMs: number;
}

const MAX_WATCHERS = 20;

export function serveLive(app: FastifyInstance, { activity, closing, stillMay, checkMs }: LiveOptions): void {
  let watchers = 0;
  // A HEAD request would open a stream that nobody reads and nothing ends.
  const options = {
    config: { adminCall: { action: 'console.watch', scopes: ['admin:read'] } },
    schema: { hide: true },
    compress: false,
    exposeHeadRoute: false,
  } as const;
  app.get('/console/live', options, async (request, reply) => {
    if (closing.aborted || watchers >= MAX_WATCHERS) {
      const why = closing.aborted ? 'this process is going down' : `${MAX_WATCHERS} watch already`;
      return sendProblem(reply, problem('live_unavailable', 503, why));
    }
    watchers += 1;
    const stream = new EventStream({
      closing,
      onClosed: () => {
        watchers -= 1;
        clearInterval(check);
        stop();
      },
    });
    const check = setInterval(async () => {
      if (!(await stillMay(request))) stream.end();
    }, checkMs);
    const stop = activity.watch((tick) => stream.send(JSON.stringify(tick), 'tick'));
    return stream.answer(reply);
  });
}
