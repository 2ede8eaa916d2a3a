/** What Redis refuses is told once, with the command and what it was for, and without anybody's id. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RedisDenials } from '../../../../src/adapters/redis/denials.ts';

let lines: Record<string, unknown>[];
let denials: RedisDenials;

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  denials = new RedisDenials(pino({}, { write: (line) => lines.push(JSON.parse(line)) }));
});
afterEach(() => {
  vi.useRealTimers();
});

const error = (message: string, name: string, args: unknown[] = []) =>
  Object.assign(new Error(message), { command: { name, args } });

const KEYS = 'NOPERM this user has no permissions to access one of the keys used as arguments';
const CHANNELS = 'NOPERM this user has no permissions to access one of the channels used as arguments';

test.for<[Error, string]>([
  [error("NOPERM this user has no permissions to run the 'info' command", 'info', ['server']), 'info'],
  [
    error(KEYS, 'evalsha', ['sha', '2', 'carillon:{user:42}:log', 'x', 'secret']),
    'evalsha carillon:{…}:log x',
  ],
  [error(KEYS, 'xrange', ['carillon:{user:42}:log', '1-0', '2-0']), 'xrange carillon:{…}:log'],
  [error(CHANNELS, 'ssubscribe', [Buffer.from('socket.io#/#{user:42}#')]), 'ssubscribe socket.io#/#{…}#'],
  [
    error("ERR The user executing the script can't run this command or subcommand script: a", 'evalsha'),
    'evalsha: a command in the script, which ACL LOG names',
  ],
  [
    error(
      "ERR ACL failure in script: User x has no permissions to run the 'xadd' command script: a",
      'evalsha',
    ),
    'evalsha: a command in the script, which ACL LOG names',
  ],
  [
    error('NOPERM No permissions to access a channel', 'ssubscribe', ['socket.io#/#{user:42}#']),
    'ssubscribe socket.io#/#{…}#',
  ],
])('%s', ([refused, what]) => {
  denials.refused(refused);
  expect(denials.reason).toBe(`redis_right_missing: ${what}`);
});

test.for([
  'WRONGPASS invalid username-password pair or user is disabled.',
  'NOAUTH Authentication required.',
])('%s', (message) => {
  denials.refused(error(message, 'hello', ['3', 'AUTH', 'carillon', 'secret']));
  expect(denials.reason).toBe('redis_login_refused');
  expect(JSON.stringify(lines)).not.toContain('secret');
});

test('whatever else Redis answers is none', () => {
  for (const message of [
    'WRONGTYPE Operation against a key',
    'OOM command not allowed',
    'LOADING Redis is loading',
  ])
    denials.refused(error(message, 'get', ['k']));
  expect([denials.reason, lines]).toEqual([undefined, []]);
});

test('each is logged once while it lasts, and is over when it has not come again for a minute', () => {
  for (let i = 0; i < 3; i += 1) denials.refused(error(KEYS, 'get', ['carillon:a']));
  expect(lines).toEqual([
    expect.objectContaining({ code: 'redis_right_missing', command: 'get carillon:a' }),
  ]);
  vi.advanceTimersByTime(59_000);
  expect(denials.reason).toBeDefined();
  vi.advanceTimersByTime(1_000);
  expect(denials.reason).toBeUndefined();
  denials.refused(error(KEYS, 'get', ['carillon:a']));
  expect(lines).toHaveLength(2);
});
