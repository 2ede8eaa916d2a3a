/** A user's own records in this process's memory: embedded mode. */
import type { Audience } from '../../contract/audience.ts';
import { type Cursor, EMPTY_HEAD } from '../../contract/notification.ts';
import { eventOfIdentity, type FoundRecords, type PersonalRecords } from './personal-records.ts';

export interface MemoryPersonalRecordsOptions {
  readonly inbox: {
    recognised(audience: Audience): readonly string[];
    erase(audience: Audience): void;
  };
  readonly marks: { erase(user: string): void };
  readonly departments: { takeBack(user: string): Promise<void> };
  /** Undefined when UNREACHED_AFTER is off. */
  readonly unreachedMemory:
    | {
        fetchedUpTo(audience: Audience): Promise<Cursor>;
        signalledOf(audience: Audience): readonly Cursor[];
        erase(audience: Audience): void;
      }
    | undefined;
}

export class MemoryPersonalRecords implements PersonalRecords {
  readonly #options: MemoryPersonalRecordsOptions;
  readonly #progress = new Map<string, string>();

  constructor(options: MemoryPersonalRecordsOptions) {
    this.#options = options;
  }

  async progress(user: string): Promise<string | undefined> {
    return this.#progress.get(user);
  }

  async replaceProgress(
    user: string,
    before: string | undefined,
    after: string | undefined,
  ): Promise<boolean> {
    if (this.#progress.get(user) !== before) return false;
    if (after === undefined) this.#progress.delete(user);
    else this.#progress.set(user, after);
    return true;
  }

  async removeNamed(user: string): Promise<void> {
    const { inbox, marks, departments, unreachedMemory } = this.#options;
    inbox.erase(`user:${user}`);
    marks.erase(user);
    unreachedMemory?.erase(`user:${user}`);
    await departments.takeBack(user);
  }

  /** All of it lies beside what has a name, and goes with that. */
  async search(user: string): Promise<FoundRecords> {
    const { inbox, unreachedMemory } = this.#options;
    return {
      names: [],
      repeats: inbox.recognised(`user:${user}`).map(eventOfIdentity),
      unreached: unreachedMemory?.signalledOf(`user:${user}`) ?? [],
      next: undefined,
    };
  }

  async remove(): Promise<void> {}

  async fetched(user: string): Promise<Cursor | undefined> {
    const place = await this.#options.unreachedMemory?.fetchedUpTo(`user:${user}`);
    return place === undefined || place.epoch === EMPTY_HEAD.epoch ? undefined : place;
  }
}
