/** Where OPS_PORT listens: with PORT, unless it is told otherwise. */
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';

const REAL = {
  AMQP_URL: 'amqp://127.0.0.1',
  REDIS_URL: 'redis://127.0.0.1',
  JWT_SECRET: 'a-secret-of-more-than-32-characters',
};

test.for([
  [{}, '0.0.0.0', '0.0.0.0'],
  [{ HOST: '10.0.0.1' }, '10.0.0.1', '10.0.0.1'],
  [{ OPS_HOST: '127.0.0.1' }, '0.0.0.0', '127.0.0.1'],
  [{ HOST: '10.0.0.1', OPS_HOST: '10.0.0.2' }, '10.0.0.1', '10.0.0.2'],
] as const)('%o', ([set, HOST, OPS_HOST]) => {
  expect(readConfig({ ...REAL, ...set })).toMatchObject({ HOST, OPS_HOST });
});
