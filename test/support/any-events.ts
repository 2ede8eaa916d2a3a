/** Arbitraries for stories of inboxes: few ids and sources, so that they repeat. */
import fc from './fast-check.ts';

export const anyId = fc.integer({ min: 1, max: 8 }).map(String);
export const anySource = fc.constantFrom('/a', '/b');

/** Generates the value rarely; otherwise plain notifications would be rare. */
export const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

export const anyRetraction = fc.record({ id: anyId, source: anySource }, { requiredKeys: ['id'] });
