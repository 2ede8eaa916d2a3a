/** What a message that is no event says of itself: looked for when somebody asks. */
import { type EnvelopeReader, namesIn } from '../../operate/dead-letters/stored-dead-letter.ts';
import type { EventNames } from '../event-life.ts';
import type { Arrival } from '../sources/arrival.ts';

export class NamesIn implements EventNames {
  readonly #message: Arrival;
  readonly #reader: EnvelopeReader | undefined;

  constructor(message: Arrival, reader?: EnvelopeReader) {
    this.#message = message;
    this.#reader = reader;
  }

  get source(): string {
    return namesIn(this.#message, this.#reader).source ?? '';
  }

  get id(): string {
    return namesIn(this.#message, this.#reader).event ?? '';
  }

  get type(): string {
    return namesIn(this.#message, this.#reader).type;
  }
}
