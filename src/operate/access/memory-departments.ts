/** Given departments within one process: embedded mode. */
import type { Departments } from './departments.ts';

export class MemoryDepartments implements Departments {
  readonly #byUser = new Map<string, readonly string[]>();

  async of(user: string): Promise<readonly string[] | undefined> {
    return this.#byUser.get(user);
  }

  async give(user: string, departments: readonly string[]): Promise<void> {
    this.#byUser.set(user, departments);
  }

  async takeBack(user: string): Promise<void> {
    this.#byUser.delete(user);
  }
}
