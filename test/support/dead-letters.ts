/** Dead letters for tests: makes them at will, and handles them over HTTP as an operator does. */
import { randomUUID } from 'node:crypto';
import { connect, type GetMessage } from 'amqplib';
import { tokenFor } from './carillon.ts';
import { checkDeadLetter } from './contracts/watch.ts';

export interface Made {
  readonly body: Buffer;
  readonly routingKey?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly messageId?: string;
  readonly contentType?: string;
}

export const reason = (code: string, time = '2026-11-20T09:00:00.000Z') => ({
  'x-carillon-reason': code,
  'x-carillon-detail': `made ${code}`,
  'x-carillon-path': 'data',
  'x-carillon-time': time,
});

/** Puts dead letters directly into the queue, as Carillon or RabbitMQ would. */
export async function deadLetter(amqpUrl: string, deadLetters: readonly Made[]): Promise<void> {
  const model = await connect(amqpUrl);
  const channel = await model.createConfirmChannel();
  for (const { body, routingKey = 'test.made', ...options } of deadLetters) {
    const contentType = options.contentType ?? 'application/cloudevents+json';
    channel.publish('carillon.dead', routingKey, body, { persistent: true, ...options, contentType });
  }
  await channel.waitForConfirms();
  await model.close();
}

/** Takes all dead letters out of the queue. Rejects when the queue does not exist. */
export async function takeDeadLetters(amqpUrl: string): Promise<GetMessage[]> {
  const model = await connect(amqpUrl);
  try {
    const channel = await model.createChannel();
    channel.on('error', () => {});
    const deadLetters: GetMessage[] = [];
    for (;;) {
      const deadLetter = await channel.get('carillon.dead', { noAck: true });
      if (deadLetter === false) return deadLetters;
      deadLetters.push(deadLetter);
      await checkDeadLetter(deadLetter.properties.headers ?? {});
    }
  } finally {
    await model.close();
  }
}

/** The dead letter of an event, with an id, as Carillon writes it. */
export function deadLetterOf(event: unknown, code: string, time?: string): Made {
  return {
    body: Buffer.from(JSON.stringify(event)),
    headers: reason(code, time),
    messageId: `${randomUUID()}-abcdef`,
  };
}

export interface Answer {
  readonly status: number;
  readonly answer: unknown;
}

/** `path`: the part behind `/admin/dead-letters`. */
export async function deadLetters(
  { opsUrl }: { readonly opsUrl: string },
  path: string,
  body?: unknown,
  scope = 'admin',
): Promise<Answer> {
  const response = await fetch(`${opsUrl}/admin/dead-letters${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${await tokenFor('operator', { scope })}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, answer: await response.json() };
}
