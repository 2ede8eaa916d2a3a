/** Where Redis is, as the log tells it: never with a password, a user or what follows the address. */
import { expect, test } from 'vitest';
import { placeOf } from '../../../../src/adapters/redis/places.ts';
import { redisAddressOf } from '../../../../src/config/redis-address.ts';

test.each([
  ['redis://localhost', false, 'localhost:6379'],
  ['rediss://user:secret@redis.internal:7000/3?password=secret', false, 'redis.internal:7000'],
  ['redis://:secret@[::1]:7000', false, '[::1]:7000'],
  ['redis://user:secret@a:1,redis://b:2', false, 'a:1,b:2'],
  ['redis://user:secret@a:1', true, 'a:1'],
  ['redis+sentinel://user:secret@a:1,b/main/0?sentinelPassword=secret', false, 'main of a:1,b:26379'],
])('%s', (url, isCluster, place) => {
  expect(placeOf(redisAddressOf(url, isCluster))).toBe(place);
});
