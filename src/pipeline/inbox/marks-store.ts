/** Where users' marks are kept: a contract, and its implementation in this process's memory. */
import type { Audience } from '../../contract/audience.ts';
import type { LogMarks } from './marks.ts';

export interface UserMarks {
  /** Counts the changes; 0 for a user without marks. */
  readonly version: number;
  readonly byAudience: ReadonlyMap<Audience, LogMarks>;
}

export interface MarksStore {
  /** @throws {InboxUnavailable} */
  load(user: string): Promise<UserMarks>;

  /**
   * Replaces the marks of the audiences given, unless somebody else has saved since `version` was loaded: then it
   * changes nothing and answers false, and the caller loads again. Saving makes the version one more.
   *
   * With `message`, publishes it to the user's room in the same atomic step, so that devices hear of changes in
   * the order in which they were made.
   *
   * @throws {InboxUnavailable}
   */
  save(
    user: string,
    version: number,
    changed: ReadonlyMap<Audience, LogMarks>,
    message: Buffer | undefined,
  ): Promise<boolean>;
}

export const NOTHING_MARKED: UserMarks = { version: 0, byAudience: new Map() };

export class MemoryMarksStore implements MarksStore {
  readonly #users = new Map<string, UserMarks>();
  readonly #publish: (audience: Audience, message: Buffer) => void;

  constructor(publish: (audience: Audience, message: Buffer) => void) {
    this.#publish = publish;
  }

  async load(user: string): Promise<UserMarks> {
    return this.#users.get(user) ?? NOTHING_MARKED;
  }

  async save(
    user: string,
    version: number,
    changed: ReadonlyMap<Audience, LogMarks>,
    message: Buffer | undefined,
  ): Promise<boolean> {
    // Nothing may be awaited between the comparison and the change.
    const marks = this.#users.get(user) ?? NOTHING_MARKED;
    if (marks.version !== version) return false;
    this.#users.set(user, { version: version + 1, byAudience: new Map([...marks.byAudience, ...changed]) });
    if (message !== undefined) this.#publish(`user:${user}`, message);
    return true;
  }

  erase(user: string): void {
    this.#users.delete(user);
  }
}
