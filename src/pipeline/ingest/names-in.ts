/** What a message that is no event says of itself: looked for when somebody asks. */
import type { ConsumeMessage } from 'amqplib';
import { factsOf } from '../../operate/dead-letters/stored-dead-letter.ts';
import type { EventNames } from '../event-life.ts';

export class NamesIn implements EventNames {
  readonly #message: ConsumeMessage;

  constructor(message: ConsumeMessage) {
    this.#message = message;
  }

  get source(): string {
    return factsOf(this.#message).source ?? '';
  }

  get id(): string {
    return factsOf(this.#message).event ?? '';
  }

  get type(): string {
    return factsOf(this.#message).type;
  }
}
