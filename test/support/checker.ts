/**
 * Judges loss and order. The checker numbers the events that are published to each audience, and compares them with
 * those that a client saw. It reports events that were lost, repeated, out of order, or never published.
 */
import { type MadeEvent, madeEvent } from './producer.ts';

export interface Verdict {
  readonly expected: number;
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
  readonly disordered: readonly string[];
  readonly unexpected: readonly string[];
}

/** The events that a client saw for one audience, in order. */
export interface Seen {
  readonly audience: string;
  readonly ids: readonly string[];
}

export class Checker {
  readonly #numbers = new Map<string, number>();

  /** The next numbered event of an audience. */
  next(audience: string, attributes: Record<string, unknown> = {}): MadeEvent {
    const number = (this.#numbers.get(audience) ?? 0) + 1;
    this.#numbers.set(audience, number);
    return madeEvent(`${audience}#${number}`, { audience, ...attributes });
  }

  /** How many events were published to an audience. */
  count(audience: string): number {
    return this.#numbers.get(audience) ?? 0;
  }

  judge(seen: readonly Seen[]): Verdict {
    const verdict = { expected: 0, lost: [], duplicated: [], disordered: [], unexpected: [] };
    return seen.reduce<Verdict>((sum, one) => merge(sum, this.#judgeOne(one)), verdict);
  }

  #judgeOne({ audience, ids }: Seen): Verdict {
    const expected = Array.from({ length: this.count(audience) }, (_, i) => `${audience}#${i + 1}`);
    const times = new Map<string, number>();
    for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1);
    const published = new Set(expected);
    const numbers = ids.filter((id) => published.has(id)).map((id) => Number(id.slice(audience.length + 1)));
    return {
      expected: expected.length,
      lost: expected.filter((id) => !times.has(id)),
      duplicated: [...times].filter(([id, count]) => count > 1 && published.has(id)).map(([id]) => id),
      disordered: numbers
        .filter((number, i) => number < (numbers[i - 1] ?? 0))
        .map((number) => `${audience}#${number}`),
      unexpected: ids.filter((id) => !published.has(id)),
    };
  }
}

/** A verdict without faults. */
export function flawless(expected: number): Verdict {
  return { expected, lost: [], duplicated: [], disordered: [], unexpected: [] };
}

function merge(a: Verdict, b: Verdict): Verdict {
  return {
    expected: a.expected + b.expected,
    lost: [...a.lost, ...b.lost],
    duplicated: [...a.duplicated, ...b.duplicated],
    disordered: [...a.disordered, ...b.disordered],
    unexpected: [...a.unexpected, ...b.unexpected],
  };
}
