/** `POST /console/check`: who would get an event, without sending it. */
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { Audience } from '../../../contract/audience.ts';
import { AUDIENCES_NAMED, checkAnswerSchema } from '../../../contract/console.ts';
import type { titleSchema } from '../../../contract/display.ts';
import type { Event } from '../../../contract/event.ts';
import { problem, refusalProblem } from '../../../contract/problem.ts';
import { type Read, refusalCodeSchema } from '../../../contract/refusal.ts';
import { acceptedLanguages } from '../accept-language.ts';
import { SCOPE_CODES } from '../bearer.ts';
import { type EventsOptions, readEvents, takeBytes } from '../events.ts';
import { problemResponses, sendProblem } from '../problems.ts';

interface CheckFindings {
  readonly audience: Audience;
  readonly route?: string;
}

export interface CheckOptions {
  readonly events: EventsOptions;
  /** Returns undefined when this process has no routes and cannot know. */
  readonly audiencesOf: (event: Event) => Read<readonly CheckFindings[]> | undefined;
  /** What a bell would show, and the type of the route that gives it. Undefined as above. */
  readonly titleOf: (event: Event, languages: readonly string[]) => z.infer<typeof titleSchema> | undefined;
}

export function serveCheck(app: FastifyInstance, options: CheckOptions): void {
  app.register(async (scope) => {
    takeBytes(scope);
    scope.post(
      '/console/check',
      {
        // The page asks at each key that is pressed.
        config: { adminCall: { action: 'console.check', scopes: ['admin:read'], isHarmless: true } },
        schema: {
          hide: true,
          response: {
            200: checkAnswerSchema,
            ...problemResponses(
              'bad_request',
              ...SCOPE_CODES,
              'routes_unknown',
              ...refusalCodeSchema.options,
            ),
          },
        },
      },
      async (request, reply) => {
        const read = await readEvents(request, options.events);
        if (!read.ok) return sendProblem(reply, read.problem);
        const [first, ...more] = read.events;
        if (first === undefined || more.length > 0)
          return sendProblem(reply, problem('bad_request', 400, 'check one event at a time'));
        const found = options.audiencesOf(first.event);
        if (found === undefined) {
          const why = 'the event names no audience, and the routes are where ROUTES_FILE is';
          return sendProblem(reply, problem('routes_unknown', 409, why));
        }
        if (!found.ok) return sendProblem(reply, refusalProblem(found.refusal));
        const audiences = found.value.slice(0, AUDIENCES_NAMED).map(({ audience }) => audience);
        const route = found.value[0]?.route;
        const title = options.titleOf(first.event, acceptedLanguages(request));
        return {
          audiences,
          count: found.value.length,
          ...(route === undefined ? {} : { route }),
          ...(title === undefined ? {} : { title }),
        };
      },
    );
  });
}
