/** Health: what an orchestrator is answered as parts begin to work, fail, and the process drains. */
import { expect, test } from 'vitest';
import type { PartHealth } from '../../../src/contract/health.ts';
import { PartsHealth, whether } from '../../../src/observe/health.ts';

function partsHealth() {
  const parts: Record<'redis' | 'rabbitmq', PartHealth> = { redis: { ok: false }, rabbitmq: { ok: true } };
  const health = new PartsHealth({ redis: () => parts.redis, rabbitmq: () => parts.rabbitmq });
  return {
    parts,
    health,
    statuses: () => [health.live(), health.startup(), health.ready()].map((r) => r.status),
  };
}

test('is starting until everything has worked once', () => {
  const { parts, health, statuses } = partsHealth();
  expect(statuses()).toEqual(['alive', 'starting', 'starting']);
  parts.redis = { ok: true };
  expect(statuses()).toEqual(['alive', 'ready', 'ready']);
  expect(health.ready().parts).toEqual({ redis: { ok: true }, rabbitmq: { ok: true } });
});

test('parts that have worked, but never together, are no start', () => {
  const { parts, statuses } = partsHealth();
  statuses();
  Object.assign(parts, { redis: { ok: true }, rabbitmq: { ok: false } });
  expect(statuses()).toEqual(['alive', 'starting', 'starting']);
});

test('is not ready while a part is away after that, names it, and stays started and alive', () => {
  const { parts, health, statuses } = partsHealth();
  parts.redis = { ok: true };
  statuses();
  parts.redis = { ok: false, reason: 'reconnecting' };
  expect(statuses()).toEqual(['alive', 'ready', 'not_ready']);
  expect(health.ready().parts?.redis).toEqual({ ok: false, reason: 'reconnecting' });
  parts.redis = { ok: true };
  expect(statuses()).toEqual(['alive', 'ready', 'ready']);
});

test('is draining from drain on, whatever its parts say, and still alive', () => {
  const { parts, health, statuses } = partsHealth();
  parts.redis = { ok: true };
  statuses();
  health.drain();
  expect(statuses()).toEqual(['alive', 'ready', 'draining']);
  parts.redis = { ok: false };
  expect(statuses()).toEqual(['alive', 'ready', 'draining']);
});

test('nothing to depend on is ready at once', () => {
  expect(new PartsHealth({}).ready()).toEqual({ status: 'ready', parts: {} });
});

test('a part gives a reason only when it does not work', () => {
  expect(whether(true, 'up')).toEqual({ ok: true });
  expect(whether(false, 'down')).toEqual({ ok: false, reason: 'down' });
});
