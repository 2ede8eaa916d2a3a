/** The one way in which something is awaited for a limited time. */

/**
 * What the promise settles with; after so many milliseconds what `late` gives, or throws. What the promise settles with
 * later is dropped, a failure too.
 */
export async function within<T, Late = T>(
  timeoutMs: number,
  promise: PromiseLike<T>,
  late: () => Late,
): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<T | Late>((resolve, reject) => {
      promise.then(resolve, reject);
      timer = setTimeout(() => {
        try {
          resolve(late());
        } catch (error) {
          reject(error);
        }
      }, timeoutMs);
    });
  } finally {
    clearTimeout(timer);
  }
}
