/**
 * What is open and has to be closed. Code that opens something adds its closer at once. A stop, and a start that
 * fails midway, close everything that is open by then.
 */
import { reasonOf } from '../resilience/reason.ts';

type Close = () => unknown;

/**
 * Everything was closed that could be. `errors` holds an error for each closer that failed, in the order of closing.
 */
export class NotAllClosed extends AggregateError {
  constructor(errors: readonly Error[]) {
    super(errors, errors.map(({ message }) => message).join('; '));
  }
}

export class Closers {
  readonly #open: { readonly name: string; readonly close: Close }[] = [];
  #closing: Promise<void> | undefined;

  /**
   * `close` is called once, and what it returns is awaited. It MUST also close something that is only partly open:
   * add it before the first await of the opening. `name` appears in the message if it fails.
   */
  add(name: string, close: Close): void {
    this.#open.push({ name, close });
  }

  /**
   * Closes the newest first, one at a time. A closer that fails does not keep others from closing. A second call
   * waits for the first.
   * @throws {NotAllClosed} at the end
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const errors: Error[] = [];
    // Closers that are added meanwhile run too.
    for (let newest = this.#open.pop(); newest !== undefined; newest = this.#open.pop()) {
      try {
        await newest.close();
      } catch (error) {
        errors.push(new Error(`${newest.name} did not close: ${reasonOf(error)}`, { cause: error }));
      }
    }
    if (errors.length > 0) throw new NotAllClosed(errors);
  }
}
