/** Another service that listens to Carillon's signals over a queue of its own, and records them in order. */
import { type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import { HeardSignals } from './heard-signals.ts';

export class SignalListener extends HeardSignals {
  readonly messages: ConsumeMessage[] = [];
  readonly #model: ChannelModel;

  private constructor(model: ChannelModel) {
    super();
    this.#model = model;
  }

  /** `pattern`: the types of signals to bind to. Resolves when the queue is bound. The exchange MUST exist. */
  static async open(amqpUrl: string, pattern = '#'): Promise<SignalListener> {
    const model = await connect(amqpUrl);
    const listener = new SignalListener(model);
    const channel = await model.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, 'carillon.signals', pattern);
    const take = (message: ConsumeMessage | null) => {
      if (message === null) return;
      listener.messages.push(message);
      listener.take(message.content.toString());
    };
    await channel.consume(queue, take, { noAck: true });
    return listener;
  }

  async close(): Promise<void> {
    await this.#model.close();
  }
}
