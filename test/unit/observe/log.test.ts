/** Logging: what must never be shown, and that the sample is the same events everywhere. */
import { describe, expect, test } from 'vitest';
import { createLog, createSampler, withoutPassword } from '../../../src/observe/log.ts';

function logged(write: (log: ReturnType<typeof createLog>) => void, redact: readonly string[] = []) {
  const lines: string[] = [];
  write(createLog({ level: 'info', redact, destination: { write: (line) => lines.push(line) } }));
  return lines;
}

describe('a log line', () => {
  test('is JSON with its level as a word and the time in ISO form', () => {
    const [line = ''] = logged((log) => log.info({ a: 1 }, 'started'));
    expect(JSON.parse(line)).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      service: 'carillon',
      pid: process.pid,
      a: 1,
      msg: 'started',
    });
  });

  test('below the level is not written', () => {
    expect(logged((log) => log.debug('detail'))).toEqual([]);
  });

  test.each(['token', 'authorization', 'cookie', 'password', 'secret'])(
    'does not show %s, at the top or one level down',
    (name) => {
      const [line = ''] = logged((log) =>
        log.info({ [name]: 'hunter2', auth: { [name]: 'hunter2', ok: 1 } }),
      );
      expect(line).not.toContain('hunter2');
      expect(JSON.parse(line)).toMatchObject({
        [name]: '[redacted]',
        auth: { [name]: '[redacted]', ok: 1 },
      });
    },
  );

  test('does not show what LOG_REDACT names in an event, and leaves the event itself as it was', () => {
    const event = { id: '1', data: { email: 'a@b.example', order: { note: 'n' }, title: 'Hello' } };
    const [line = ''] = logged((log) => log.info({ event }), ['data.email', 'data.order.note', 'data.phone']);
    expect(JSON.parse(line).event).toEqual({
      id: '1',
      data: { email: '[redacted]', order: { note: '[redacted]' }, title: 'Hello' },
    });
    expect(event.data.email).toBe('a@b.example');
  });
});

describe('the sample', () => {
  const events = Array.from({ length: 20_000 }, (_, i) => ({ source: `/shop/${i % 7}`, id: `${i}` }));

  test.each([0.01, 0.25, 0.9])('of rate %d has about that share of events', (rate) => {
    const share = events.filter(createSampler(rate)).length / events.length;
    // Five standard deviations: the hash is fixed, so this holds always or never.
    expect(Math.abs(share - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / events.length));
  });

  test('is the same in every process, and each larger rate includes the smaller', () => {
    const chosen = events.filter(createSampler(0.1));
    expect(events.filter(createSampler(0.1))).toEqual(chosen);
    expect(chosen.filter(createSampler(0.2))).toEqual(chosen);
    expect(chosen.length).toBeGreaterThan(0);
  });

  test('depends on the source and on the id', () => {
    const isSampled = createSampler(0.5);
    const bySource = events.map(({ source }) => isSampled({ source: `${source}x`, id: '1' }));
    const byId = events.map(({ id }) => isSampled({ source: '/shop', id }));
    for (const chosen of [bySource, byId]) expect(new Set(chosen)).toEqual(new Set([true, false]));
  });

  test.each([
    [0, false],
    [1, true],
  ])('of rate %d is none or all', (rate, expected) => {
    expect(events.every((event) => createSampler(rate)(event) === expected)).toBe(true);
  });
});

test.each([
  ['amqp://user:hunter2@rabbit:5672/vhost', 'amqp://user:***@rabbit:5672/vhost'],
  ['redis://:hunter2@redis:6379/0', 'redis://:***@redis:6379/0'],
  ['rediss://user:hunter%402@redis', 'rediss://user:***@redis'],
  ['redis://redis:6379', 'redis://redis:6379'],
  ['redis://redis:6379/0?password=hunter2', 'redis://redis:6379/0'],
])('%s is shown as %s', (url, shown) => {
  expect(withoutPassword(url)).toBe(shown);
});
