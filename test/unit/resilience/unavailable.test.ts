/** Which errors say that something is away, and which are faults of ours: the two are never taken for each other. */
import { Redis, ReplyError } from 'ioredis';
import { expect, test } from 'vitest';
import { unavailable } from '../../../src/adapters/redis/script.ts';
import { CommandTimedOut } from '../../../src/adapters/redis/timeouts.ts';
import {
  InboxUnavailable,
  isUnavailable,
  stackOf,
  Unavailable,
} from '../../../src/resilience/unavailable.ts';
import { freePort } from '../../support/ports.ts';

const reply = (text: string): Error => Object.assign(new ReplyError(text), {});
const coded = (code: string): Error => Object.assign(new Error('failed'), { code });

test.for<[string, unknown]>([
  ['of our own', new InboxUnavailable('Redis is away')],
  ['no answer in time', new CommandTimedOut(1_000)],
  ['what is not there any more', new Unavailable('the feed is closed')],
  ['the link', coded('ECONNREFUSED')],
  ['RabbitMQ', coded('broker_unavailable')],
  ...[
    'LOADING Redis is loading the dataset in memory',
    "OOM command not allowed when used memory > 'maxmemory'. script: abc, on @user_script:1.",
    "READONLY You can't write against a read only replica.",
    'CLUSTERDOWN The cluster is down',
    'MOVED 1 127.0.0.1:1',
    'NOAUTH Authentication required.',
    "NOPERM User x has no permissions to run the 'evalsha' command",
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'BUSY Redis is busy running a script.',
    "ERR The user executing the script can't run this command or subcommand script: a, on @user_script:9.",
    "ERR ACL failure in script: User x has no permissions to run the 'xadd' command script: a, on @user_script:1.",
    'ERR max number of clients reached',
  ].map((text): [string, unknown] => [text, reply(text)]),
])('away: %s', ([, error]) => {
  expect(isUnavailable(error)).toBe(true);
});

test.for<[string, unknown]>([
  ['a TypeError', new TypeError("Cannot read properties of undefined (reading 'offset')")],
  ['a RangeError', new RangeError('Invalid array length')],
  ['what cannot be parsed', new SyntaxError('Unexpected end of JSON input')],
  ['a wrong argument', coded('ERR_INVALID_ARG_TYPE')],
  [
    'a TypeError that speaks like the driver',
    Object.assign(new TypeError('Connection is closed.'), { code: 'ECONNRESET' }),
  ],
  ['any other error', new Error('the inbox answered for fewer entries than it was given')],
  ['no error at all', 'Redis is away'],
  ...[
    'ERR user_script:42: attempt to concatenate a nil value script: abc, on @user_script:42.',
    "ERR wrong number of arguments for 'xadd' command",
    'ERR value is not an integer or out of range',
  ].map((text): [string, unknown] => [text, reply(text)]),
])('a fault of ours: %s', async ([, error]) => {
  expect(isUnavailable(error)).toBe(false);
  await expect(unavailable(() => Promise.reject(error))).rejects.toBe(error);
});

test('what the driver itself says while nothing is there', async () => {
  const redis = new Redis(await freePort(), '127.0.0.1', {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  redis.on('error', (error) => expect(isUnavailable(error)).toBe(true));
  const errors = [await redis.get('a').catch((error: unknown) => error)];
  redis.disconnect();
  errors.push(await redis.get('a').catch((error: unknown) => error));
  expect(errors.map((error) => [error instanceof Error, isUnavailable(error)])).toEqual([
    [true, true],
    [true, true],
  ]);
});

test('a stack shows what caused it', () => {
  const cause = new TypeError('inner');
  expect(stackOf(new Error('outer', { cause }))).toMatch(/outer[\s\S]*caused by TypeError: inner/);
});
