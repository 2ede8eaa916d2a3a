/** Another service: a queue of its own bound to Carillon's signals, and what came to it in order. */
import { type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import { z } from 'zod';
import { until } from './until.ts';

const TIMEOUT_MS = 60_000;

const eventSchema = z.looseObject({
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string(),
  data: z.looseObject({ user: z.string() }),
});

type SignalEvent = z.infer<typeof eventSchema>;

export class SignalListener {
  readonly signals: SignalEvent[] = [];
  readonly messages: ConsumeMessage[] = [];
  readonly #model: ChannelModel;

  private constructor(model: ChannelModel) {
    this.#model = model;
  }

  /** `pattern`: of the types that are wanted. Resolves when the queue is bound; the exchange MUST be there. */
  static async open(amqpUrl: string, pattern = '#'): Promise<SignalListener> {
    const model = await connect(amqpUrl);
    const listener = new SignalListener(model);
    const channel = await model.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, 'carillon.signals', pattern);
    const take = (message: ConsumeMessage | null) => {
      if (message === null) return;
      listener.messages.push(message);
      listener.signals.push(eventSchema.parse(JSON.parse(message.content.toString())));
    };
    await channel.consume(queue, take, { noAck: true });
    return listener;
  }

  of(user: string): readonly SignalEvent[] {
    return this.signals.filter(({ data }) => data.user === user);
  }

  /** Types and data of what was told of a user. */
  told(user: string): readonly (readonly [string, unknown])[] {
    return this.of(user).map(({ type, data }) => [type, data]);
  }

  /** Resolves once there are so many of the user. */
  async heard(user: string, count = 1): Promise<readonly SignalEvent[]> {
    await until(`${count} signals of ${user}`, TIMEOUT_MS, () => this.of(user).length >= count);
    return this.of(user);
  }

  async close(): Promise<void> {
    await this.#model.close();
  }
}
