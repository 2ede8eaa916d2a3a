/** Time-outs of commands: they grow with what is under way and with what comes, and with a link that is slower still. */
import { Command, type Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CommandTimedOut, growTimeouts } from '../../../../src/adapters/redis/timeouts.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What growTimeouts() uses of a connection. */
function connection() {
  const stream = { bytesRead: 0 };
  const options: { socketTimeout?: number } = {};
  const made = { stream, options, sendCommand: (command: Command) => command.promise };
  // Only these members are used.
  const redis: Redis = Object.create(made);
  Object.assign(redis, made);
  growTimeouts(redis, () => Date.now());
  const send = (bytes: number) => {
    const command = new Command('set', ['', 'x'.repeat(bytes)]);
    const sent = { command, state: 'waits' };
    redis.sendCommand(command);
    command.promise.then(
      () => Object.assign(sent, { state: 'answered' }),
      (error: unknown) =>
        Object.assign(sent, { state: error instanceof CommandTimedOut ? 'late' : 'failed' }),
    );
    return sent;
  };
  return { stream, options, send };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('a small command has a second', async () => {
  const { send } = connection();
  const sent = send(10);
  await pass(1_000);
  expect(sent.state).toBe('waits');
  await pass(200);
  expect(sent.state).toBe('late');
});

test('a large one has longer, and so has what is behind it, until it is answered', async () => {
  const { send } = connection();
  const large = send(131_072);
  const behind = send(10);
  await pass(1_900);
  expect([large.state, behind.state]).toEqual(['waits', 'waits']);
  large.command.resolve(Buffer.from('OK'));
  await pass(0);
  const after = send(10);
  await pass(1_200);
  expect([large.state, behind.state, after.state]).toEqual(['answered', 'late', 'late']);
});

test('an answer that is coming is waited for', async () => {
  const { stream, send } = connection();
  const sent = send(10);
  for (let i = 0; i < 50; i += 1) {
    stream.bytesRead += 20_000;
    await pass(100);
  }
  expect(sent.state).toBe('waits');
  await pass(5_000);
  expect(sent.state).toBe('late');
});

test('a link that is slower is found out, and a faster one again', async () => {
  const { send } = connection();
  const waitedMs = async () => {
    const sent = send(131_072);
    let ms = 0;
    for (; sent.state === 'waits'; ms += 100) await pass(100);
    return ms;
  };
  const times = [await waitedMs(), await waitedMs(), await waitedMs()];
  // A second, and 1, 2 and 4 for the bytes.
  expect(times.map((ms) => Math.round(ms / 1_000))).toEqual([2, 3, 5]);
  for (let i = 0; i < 5; i += 1) {
    send(131_072).command.resolve(Buffer.from('OK'));
    await pass(0);
  }
  expect(Math.round((await waitedMs()) / 1_000)).toBe(2);
});

test('a connection is not given up for silence while large things are under way', async () => {
  const { options, send } = connection();
  send(10);
  expect(options.socketTimeout).toBeLessThan(5_100);
  send(131_072);
  expect(options.socketTimeout).toBeGreaterThanOrEqual(6_000);
});
