/** What a connection begins with: the app's token, and the cursors of the user whose token it is. */
import type { ClientOptions } from './api.ts';
import type { CursorMap } from './cursors.ts';
import { CarillonError } from './errors.ts';
import { presentable } from './recovery.ts';
import { subjectOf } from './token.ts';
import { loadCursors, type User, type UserOptions } from './user.ts';
import { within } from './within.ts';

/** Longer than any login service takes that answers at all. */
const TOKEN_MS = 30_000;

/** What was known of a user's cursors when a connection began, and which of them the handshake had. */
export interface Presented {
  readonly user: string;
  readonly cursors: CursorMap;
  readonly inHandshake: CursorMap;
}

export class Handshake {
  readonly #options: ClientOptions;
  readonly #userOptions: UserOptions;
  #presented: Presented | undefined;
  /** Of the token that went into the last handshake. */
  #subject: string | undefined;
  /** A subject, and the user that the server took it for: it may go by another claim. */
  #known: { readonly subject: string | undefined; readonly user: string } | undefined;
  /** The last handshake was larger than the server takes: cursors are asked about in the session then. */
  #isTooLarge = false;

  constructor(options: ClientOptions, userOptions: UserOptions) {
    this.#options = options;
    this.#userOptions = userOptions;
  }

  /** The app's function may do anything: throw, and never answer. */
  async token(): Promise<string> {
    try {
      return await within(this.#userOptions.environment, TOKEN_MS, () => this.#options.token());
    } catch (cause) {
      throw new CarillonError('token_failed', 'token() failed', cause);
    }
  }

  /** `last`: the user of the last session, of whom more is known here than in the storage. */
  async auth(last: User | undefined) {
    this.#presented = undefined;
    const token = await this.token();
    this.#subject = subjectOf(token);
    const user = this.#subject === this.#known?.subject ? this.#known?.user : this.#subject;
    if (user !== undefined) {
      const known = user === last?.name ? last.ordering.cursors : undefined;
      const cursors = known ?? (await loadCursors(user, this.#userOptions));
      this.#presented = { user, cursors, inHandshake: this.#isTooLarge ? new Map() : presentable(cursors) };
    }
    const { device } = this.#options;
    const presented = this.#presented?.inHandshake ?? new Map();
    return {
      token,
      ...(device === undefined ? {} : { device }),
      ...(presented.size === 0 ? {} : { cursors: Object.fromEntries(presented) }),
    };
  }

  /** The connection ended before there was a session, because of what it began with. */
  wasTooLarge(): void {
    this.#isTooLarge = true;
  }

  /** Undefined: nobody knew whose they would be. Also when there were none it is something. */
  presentedFor(user: string): Presented | undefined {
    this.#known = { subject: this.#subject, user };
    return this.#presented?.user === user ? this.#presented : undefined;
  }
}
