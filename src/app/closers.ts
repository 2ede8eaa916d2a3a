/**
 * What was opened and has to be closed. Whoever opens something adds its closer at once; a stop, and a start that fails
 * midway, close everything that is open by then.
 */
import { reasonOf } from '../resilience/reason.ts';

type Close = () => unknown;

/** Everything is closed that could be. `errors` has one for each closer that failed, in the order of closing. */
export class NotAllClosed extends AggregateError {
  constructor(errors: readonly Error[]) {
    super(errors, errors.map(({ message }) => message).join('; '));
  }
}

export class Closers {
  readonly #open: { readonly name: string; readonly close: Close }[] = [];
  #closing: Promise<void> | undefined;

  /**
   * `close` is called once; what it returns is awaited. It MUST also close what is opened only in part: add it before
   * the first await of the opening. `name` is for the message when it fails.
   */
  add(name: string, close: Close): void {
    this.#open.push({ name, close });
  }

  /**
   * Closes the newest first, one after the other. A closer that fails keeps no other from closing. A second call waits
   * for the first.
   * @throws {NotAllClosed} at the end
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const errors: Error[] = [];
    // What is added meanwhile is closed too.
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
