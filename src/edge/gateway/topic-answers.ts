/**
 * Answers `subscribe` and `unsubscribe` for one topic, or for many topics in one message that succeed or fail
 * independently.
 */
import type { Logger } from 'pino';
import { type Audience, roomOf } from '../../contract/audience.ts';
import type { Cursors } from '../../contract/recovery.ts';
import type { RequestError } from '../../contract/socket.ts';
import { allowsTopic } from '../../contract/token.ts';
import { type Subscription, topicForms } from '../../contract/topic-requests.ts';
import { type Meter, REQUEST_COST } from '../../pipeline/inbox/meter.ts';
import { isUnavailable } from '../../resilience/unavailable.ts';
import {
  type Afterwards,
  type Answer,
  answerFailure,
  type Client,
  checked,
  failed,
  gone,
  type Limited,
  readAs,
} from './answers.ts';
import type { Entered } from './room-join.ts';

export interface TopicAnswersOptions {
  /** Most topics that one socket may be in. */
  readonly maxTopics: number;
  /** Most notifications that a client may ask for when it subscribes. */
  readonly maxLast: number;
  readonly limited: Limited;
  readonly log: Logger;
}

export function topicAnswers({ maxTopics, maxLast, limited, log }: TopicAnswersOptions): {
  readonly subscribe: Answer;
  readonly unsubscribe: Answer;
} {
  function refusalOf({ socket }: Client, { topic, last }: Subscription): RequestError | undefined {
    if (last !== undefined && last > maxLast) return failed('bad_request', `last: at most ${maxLast}`);
    if (!allowsTopic(socket.data.identity.topics, topic)) return failed('forbidden', `topic "${topic}"`);
    return undefined;
  }

  /** Refuses the topics beyond the limit. The caller MUST join the others in the same turn of the event loop. */
  function withRoom({ socket, session }: Client, asked: readonly Subscription[]) {
    let free = maxTopics - session.topicCount;
    const refusals = new Map<string, RequestError>();
    for (const { topic } of asked) {
      if (socket.rooms.has(roomOf(`topic:${topic}`))) continue;
      if (free > 0) free -= 1;
      else refusals.set(topic, failed('too_many_topics', `at most ${maxTopics}; unsubscribe from one first`));
    }
    return refusals;
  }

  /**
   * The answer for topics that could not be entered. One log line stands for all of them: a fault in the code is
   * logged rather than an outage.
   */
  function failureOf({ socket, session }: Client, failures: readonly unknown[]): RequestError {
    // The client has left: there is nobody to answer and nothing to log.
    if (failures.length === 0 || session.isOver) return failed('unavailable', 'try again later');
    const gravest = failures.find((error) => !isUnavailable(error)) ?? failures[0];
    return answerFailure(log, gravest, { session: socket.id, request: 'subscribe', failed: failures.length });
  }

  /** The answers by topic. */
  async function enter(
    client: Client,
    asked: readonly Subscription[],
    meter: Meter | undefined,
    afterwards: Afterwards,
  ): Promise<ReadonlyMap<string, unknown>> {
    const answers = new Map<string, unknown>(withRoom(client, asked));
    const wanted = asked.filter(({ topic }) => !answers.has(topic));
    const cursors: Cursors = Object.fromEntries(
      wanted.flatMap(({ topic, cursor }) => (cursor === undefined ? [] : [[`topic:${topic}`, cursor]])),
    );
    const last = new Map<Audience, number>(
      wanted.flatMap(({ topic, last }) => (last === undefined ? [] : [[`topic:${topic}`, last]])),
    );
    const audiences = wanted.map(({ topic }): Audience => `topic:${topic}`);
    const { session } = client;
    const { entered, failures, release } = await session.enter(audiences, { cursors, last, meter });
    afterwards(release);
    const failure = failureOf(client, failures);
    for (const { topic } of wanted) {
      const found = entered.get(`topic:${topic}`);
      answers.set(topic, found === undefined ? failure : answerOf(found));
    }
    return answers;
  }

  const subscribeOne = checked(topicForms.subscribe, async (client, request, afterwards) => {
    if (client.session.isOver) return gone();
    const refusal = refusalOf(client, request);
    if (refusal !== undefined) return refusal;
    const enterIt = async (meter: Meter | undefined) =>
      (await enter(client, [request], meter, afterwards)).get(request.topic);
    const isPlain = request.cursor === undefined && request.last === undefined;
    return isPlain ? await enterIt(undefined) : await limited(client, enterIt);
  });

  const subscribeMany = checked(topicForms.many, async (client, { topics }, afterwards) => {
    if (client.session.isOver) return gone();
    const refusals: (RequestError | undefined)[] = [];
    const asked = new Map<string, Subscription>();
    const names = topics.map((entry) => {
      const read = readAs(topicForms.subscribe, entry);
      const refusal = read.ok ? (twice(asked, read.value) ?? refusalOf(client, read.value)) : read.error;
      refusals.push(refusal);
      if (read.ok && refusal === undefined) asked.set(read.value.topic, read.value);
      return read.ok ? read.value.topic : '';
    });
    return await limited(client, async (meter) => {
      meter.spend(REQUEST_COST * (topics.length - 1));
      const answers = await enter(client, [...asked.values()], meter, afterwards);
      return { topics: names.map((topic, i) => refusals[i] ?? answers.get(topic)) };
    });
  });

  const unsubscribeMany = checked(topicForms.many, (client, { topics }) =>
    limited(client, async (meter) => {
      meter.spend(REQUEST_COST * (topics.length - 1));
      const answers = [];
      for (const topic of topics) {
        const read = readAs(topicForms.unsubscribe, { topic });
        answers.push(read.ok ? await leave(client, read.value.topic) : read.error);
      }
      return { topics: answers };
    }),
  );

  const unsubscribeOne = checked(topicForms.unsubscribe, (client, { topic }) => leave(client, topic));

  return {
    subscribe: (client, body, afterwards) =>
      (namesMany(body) ? subscribeMany : subscribeOne)(client, body, afterwards),
    unsubscribe: (client, body, afterwards) =>
      (namesMany(body) ? unsubscribeMany : unsubscribeOne)(client, body, afterwards),
  };
}

function namesMany(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'topics' in body;
}

function twice(asked: ReadonlyMap<string, unknown>, { topic }: Subscription): RequestError | undefined {
  return asked.has(topic) ? failed('bad_request', `topic "${topic}" is there twice`) : undefined;
}

async function leave({ socket }: Client, topic: string) {
  const audience: Audience = `topic:${topic}`;
  if (!socket.rooms.has(roomOf(audience))) return failed('not_subscribed', `topic "${topic}"`);
  await socket.leave(roomOf(audience));
  return { audience };
}

function answerOf({ audience, head, missed }: Entered) {
  const { epoch, offset } = head;
  return { audience, epoch, head: offset, ...(missed === undefined ? {} : { missed }) };
}
