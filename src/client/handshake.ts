/** What a connection begins with: the app's token, and the cursors of the user whose token it is. */
import type { ClientOptions } from './api.ts';
import type { CursorMap } from './cursors.ts';
import { CarillonError } from './errors.ts';
import { presentable } from './recovery.ts';
import { subjectOf } from './token.ts';
import { loadCursors, type User, type UserOptions } from './user.ts';

export class Handshake {
  readonly #options: ClientOptions;
  readonly #userOptions: UserOptions;
  #presented: { readonly user: string; readonly cursors: CursorMap } | undefined;

  constructor(options: ClientOptions, userOptions: UserOptions) {
    this.#options = options;
    this.#userOptions = userOptions;
  }

  /** The app's function may do anything, and throw anything. */
  async token(): Promise<string> {
    try {
      return await this.#options.token();
    } catch (cause) {
      throw new CarillonError('token_failed', 'token() failed', cause);
    }
  }

  /** `last`: the user of the last session, of whom more is known here than in the storage. */
  async auth(last: User | undefined) {
    this.#presented = undefined;
    const token = await this.token();
    const user = subjectOf(token);
    if (user !== undefined) {
      const known = user === last?.name ? last.ordering.cursors : undefined;
      this.#presented = { user, cursors: known ?? (await loadCursors(user, this.#userOptions)) };
    }
    const { device } = this.#options;
    const cursors = presentable(this.#presented?.cursors);
    return {
      token,
      ...(device === undefined ? {} : { device }),
      ...(cursors === undefined ? {} : { cursors }),
    };
  }

  /** What was known of the user's cursors, also when that was none; undefined: nobody knew whose they would be. */
  presentedFor(user: string): CursorMap | undefined {
    return this.#presented?.user === user ? this.#presented.cursors : undefined;
  }
}
