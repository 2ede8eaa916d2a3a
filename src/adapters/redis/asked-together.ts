/**
 * Questions of one key each. Those of one turn of the event loop leave in one command, as when many clients connect at
 * once. On Cluster each leaves alone, since one command may touch many keys only where all are on one node.
 */
import { Cluster, type Redis } from 'ioredis';
import { MicroBatch } from './micro-batch.ts';
import { isWrongType } from './script.ts';

export interface AskedTogetherOptions<Key, Answer> {
  readonly redis: Redis | Cluster;
  /** Of one command: it takes Redis about a millisecond. */
  readonly maxKeys: number;
  /** Resolves with an answer for each key, in their order. */
  readonly ask: (keys: readonly Key[]) => Promise<readonly Answer[]>;
}

interface Question<Key, Answer> {
  readonly key: Key;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

export class AskedTogether<Key, Answer> {
  readonly #options: AskedTogetherOptions<Key, Answer>;
  readonly #turn = new MicroBatch<Question<Key, Answer>>((questions) => this.#leave(questions));

  constructor(options: AskedTogetherOptions<Key, Answer>) {
    this.#options = options;
  }

  /** Rejects with what `ask` rejects with. */
  of(key: Key): Promise<Answer> {
    return new Promise((resolve, reject) => this.#turn.add({ key, resolve, reject }));
  }

  #leave(questions: readonly Question<Key, Answer>[]): void {
    const { redis, maxKeys } = this.#options;
    const atOnce = redis instanceof Cluster ? 1 : maxKeys;
    for (let i = 0; i < questions.length; i += atOnce) void this.#ask(questions.slice(i, i + atOnce));
  }

  /** Never rejects: each question gets its own failure. */
  async #ask(questions: readonly Question<Key, Answer>[]): Promise<void> {
    try {
      const answers = await this.#options.ask(questions.map(({ key }) => key));
      questions.forEach(({ resolve, reject }, i) => {
        const answer = answers[i];
        if (answer === undefined) reject(new Error('Redis answered for fewer keys than were asked for'));
        else resolve(answer);
      });
    } catch (error) {
      // A key that somebody has broken is the fault of nobody else.
      if (isWrongType(error) && questions.length > 1) for (const one of questions) void this.#ask([one]);
      else for (const { reject } of questions) reject(error);
    }
  }
}
