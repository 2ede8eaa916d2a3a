/** When a process that has more than its share of the queues gives one to the next in line. */

/** In looks, of which there is one every few seconds. */
const MAX_PAUSE = 60;

export class FairShare {
  readonly #queues: number;
  #consumers = 0;
  #looks = 0;
  #pause = 1;
  #nextAt = 0;
  #gaveOf = Number.POSITIVE_INFINITY;

  constructor(queues: number) {
    this.#queues = queues;
  }

  /**
   * Whether one is to be given now. RabbitMQ counts the consumers of a node that is away until that is back, so that a
   * share may be smaller than it should be. Then what is given comes back, and giving becomes rare.
   *
   * @param active how many this process has
   * @param consumers how many processes there are
   */
  mustGive(active: number, consumers: number): boolean {
    this.#looks += 1;
    if (consumers !== this.#consumers) {
      this.#consumers = consumers;
      this.#pause = 1;
      this.#nextAt = 0;
      this.#gaveOf = Number.POSITIVE_INFINITY;
    }
    const isOver = consumers > 1 && active > Math.ceil(this.#queues / consumers);
    if (!isOver || this.#looks < this.#nextAt) return false;
    if (active >= this.#gaveOf) this.#pause = Math.min(2 * this.#pause, MAX_PAUSE);
    this.#gaveOf = active;
    this.#nextAt = this.#looks + this.#pause;
    return true;
  }
}
