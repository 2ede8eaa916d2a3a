/** The only timeout. */

/**
 * Settles as the promise does or, after `timeoutMs`, with what `late` returns or throws. Whatever the promise does
 * later is ignored, even a failure.
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
