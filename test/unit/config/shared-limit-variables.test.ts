/** Limits over all processes are off until they are set, and need Redis. */
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';

const real = { AMQP_URL: 'amqp://127.0.0.1', REDIS_URL: 'redis://127.0.0.1', JWT_SECRET: 'x'.repeat(32) };

test.for([
  ['CONNECTIONS_PER_USER_ALL_NODES', 'CONNECTIONS_PER_USER'],
  ['HTTP_EVENTS_PER_SECOND_ALL_NODES', 'HTTP_EVENTS_PER_SECOND'],
] as const)('%s', ([shared, own]) => {
  expect(readConfig(real)[shared]).toBe(0);
  expect(readConfig({ ...real, [shared]: '5' })[shared]).toBe(5);
  expect(readConfig({ [shared]: '0' })[shared]).toBe(0);
  expect(() => readConfig({ [shared]: '5' })).toThrow(
    `1 fault(s):\n  - ${shared}: embedded mode is one process without Redis; set ${own}`,
  );
  for (const value of ['-1', '1.5', 'many']) {
    expect(() => readConfig({ ...real, [shared]: value })).toThrow(`${shared}: must be a`);
  }
});
