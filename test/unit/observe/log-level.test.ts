/** The level of the log: changed for a while, and back by itself, whatever happens in between. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LogLevelSwitch } from '../../../src/observe/log-level.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-20T09:00:00Z') });
});
afterEach(() => {
  vi.useRealTimers();
});

function opened(level = 'info') {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level, base: null, timestamp: false },
    { write: (line) => lines.push(JSON.parse(line)) },
  );
  return { log, lines, control: new LogLevelSwitch(log) };
}

test('another level for a while, and then the configured one', () => {
  const { log, lines, control } = opened();
  expect(control.state).toEqual({ level: 'info', configured: 'info' });
  log.debug('before');
  control.set('debug', 60_000);
  log.debug('meanwhile');
  expect(control.state).toEqual({ level: 'debug', configured: 'info', until: '2026-11-20T09:01:00.000Z' });
  vi.advanceTimersByTime(59_999);
  expect(log.level).toBe('debug');
  vi.advanceTimersByTime(1);
  expect(control.state).toEqual({ level: 'info', configured: 'info' });
  log.debug('after');
  expect(lines).toEqual([
    {
      level: 40,
      to: 'debug',
      from: 'info',
      until: '2026-11-20T09:01:00.000Z',
      msg: 'the log has another level',
    },
    { level: 20, msg: 'meanwhile' },
    { level: 40, to: 'info', from: 'debug', msg: 'the log has another level' },
  ]);
});

test('the last change counts, and the timer of the one before does not', () => {
  const { log, control } = opened('warn');
  control.set('debug', 1_000);
  control.set('trace', 10_000);
  vi.advanceTimersByTime(5_000);
  expect(log.level).toBe('trace');
  vi.advanceTimersByTime(5_000);
  expect(log.level).toBe('warn');
});

test('a change whose time is over, and a reset, go back at once', () => {
  const { log, control } = opened();
  control.set('debug', 60_000);
  control.set('trace', 0);
  expect(log.level).toBe('info');
  control.set('debug', 60_000);
  control.reset();
  expect(control.state).toEqual({ level: 'info', configured: 'info' });
  expect(vi.getTimerCount()).toBe(0);
});

test('a signal: debug for ten minutes, the next one goes back, also from what an operator set', () => {
  const { log, control } = opened();
  control.toggle();
  expect(control.state).toMatchObject({ level: 'debug', until: '2026-11-20T09:10:00.000Z' });
  control.toggle();
  expect(log.level).toBe('info');
  control.set('error', 60_000);
  control.toggle();
  expect(log.level).toBe('info');
});

test('closed, nothing is left to come', () => {
  const { control } = opened();
  control.set('debug', 60_000);
  control.close();
  expect(vi.getTimerCount()).toBe(0);
});
