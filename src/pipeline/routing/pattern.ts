/** Type patterns in AMQP topic syntax: words with dots between, `*` for one word, `#` for any number of them. */

export type Matcher = (type: string) => boolean;

/** Compiles `order.*` or `audit.#` once, so that matching an event allocates only its words. */
export function compilePattern(pattern: string): Matcher {
  const words = pattern.split('.');
  if (words.includes('#')) return (type) => consumesAll(words, type.split('.'));
  if (!words.includes('*')) return (type) => type === pattern;
  return (type) => {
    const typeWords = type.split('.');
    return (
      typeWords.length === words.length && words.every((word, i) => word === '*' || word === typeWords[i])
    );
  };
}

function consumesAll(words: readonly string[], type: readonly string[]): boolean {
  // Row by row over the pattern: `reachable` are the numbers of type words that the words so far can consume.
  // Trying every split of several `#` recursively would take exponential time on a hostile type.
  let reachable = new Set([0]);
  for (const word of words) {
    const next = new Set<number>();
    for (const consumed of reachable) {
      if (word === '#') for (let i = consumed; i <= type.length; i += 1) next.add(i);
      else if (consumed < type.length && (word === '*' || word === type[consumed])) next.add(consumed + 1);
    }
    reachable = next;
  }
  return reachable.has(type.length);
}
