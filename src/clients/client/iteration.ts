/** Notifications for `for await`: kept from the moment the loop begins, so that a slow one misses nothing. */

export interface Feed<T> extends AsyncIterableIterator<T> {
  push(value: T): void;
  /** The loop gets what is kept, and then ends. */
  end(): void;
}

export function createFeed<T>(onEnd: () => void): Feed<T> {
  const kept: IteratorResult<T>[] = [];
  const waiting: ((result: IteratorResult<T>) => void)[] = [];
  const done: IteratorResult<T> = { done: true, value: undefined };
  let isEnded = false;
  const end = () => {
    if (isEnded) return;
    isEnded = true;
    for (const resolve of waiting.splice(0)) resolve(done);
    onEnd();
  };
  return {
    push(value) {
      if (isEnded) return;
      const result = { done: false as const, value };
      const resolve = waiting.shift();
      if (resolve === undefined) kept.push(result);
      else resolve(result);
    },
    end,
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      const result = kept.shift() ?? (isEnded ? done : undefined);
      return result === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(result);
    },
    return() {
      kept.length = 0;
      end();
      return Promise.resolve(done);
    },
  };
}
