/** Waits for what an app's code has promised, and no longer than so long. */
import type { Environment } from './environment.ts';

/** What comes later than that is of no use any more. */
export async function within<T>(
  { after }: Pick<Environment, 'after'>,
  timeoutMs: number,
  begin: () => T | Promise<T>,
): Promise<T> {
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = after(timeoutMs, () => reject(new Error(`nothing came within ${timeoutMs / 1_000} s`)));
  });
  try {
    return await Promise.race([begin(), late]);
  } finally {
    cancel();
  }
}
