/**
 * Starts the longest test files first, because the run would end up waiting for one that started last. The others
 * follow in vitest's order: by their last duration, or by size.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const FOLDER = new URL('..', import.meta.url).pathname;

/** Files that take more than a minute on a quiet machine, the longest first. */
export const LONGEST: readonly string[] = [
  'e2e/recovery',
  'faults/held-faults',
  'integration/adapters/rabbitmq/rights',
  'faults/restart-faults',
  'integration/operate/presence/presence',
  'faults/process-faults',
  'integration/edge/gateway/user-costs',
  'faults/neighbour-faults',
  'faults/vanishing-faults',
  'faults/rabbitmq-faults',
  'integration/adapters/rabbitmq/broker',
  'integration/operate/dead-letters/admin-dead-letters-interrupted',
  'e2e/flapping',
  'integration/adapters/rabbitmq/policies',
  'integration/reach/unreached-kills',
  'integration/reach/unreached',
  'contract/redis-log-lives',
].map((name) => `${FOLDER}${name}.test.ts`);

export function longestFirst<T extends { readonly moduleId: string }>(files: readonly T[]): T[] {
  const place = ({ moduleId }: T) => {
    const index = LONGEST.indexOf(moduleId);
    return index < 0 ? LONGEST.length : index;
  };
  return files.toSorted((one, other) => place(one) - place(other));
}

export class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    return longestFirst(await super.sort(specifications));
  }
}
