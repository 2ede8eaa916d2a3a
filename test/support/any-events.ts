/** Arbitraries for the inbox stories. They draw from few ids and sources, so that the same ones come up again. */
import fc from './fast-check.ts';

export const anyId = fc.integer({ min: 1, max: 8 }).map(String);
export const anySource = fc.constantFrom('/a', '/b');

/** Draws the value rarely, so that most notifications stay plain. */
export const seldom = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

export const anyRetraction = fc.record({ id: anyId, source: anySource }, { requiredKeys: ['id'] });
