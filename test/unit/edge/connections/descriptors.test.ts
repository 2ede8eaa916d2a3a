/** How many connections fit into the files that a process may open. */
import { expect, test } from 'vitest';
import { capacityFor, openFilesLimit } from '../../../../src/edge/connections/descriptors.ts';

test('as many as were asked for, where they fit', () => {
  expect(capacityFor(50_000, 65_536)).toEqual({
    connections: 50_000,
    opsConnections: 64,
    limitedBy: undefined,
  });
  expect(capacityFor(50_000, Number.POSITIVE_INFINITY).limitedBy).toBeUndefined();
});

test.for([16, 64, 256, 1_024, 50_100])('of %i files some are left for all else', (limit) => {
  const { connections, opsConnections, limitedBy } = capacityFor(50_000, limit);
  expect(limitedBy).toBe(limit);
  expect(opsConnections).toBeGreaterThanOrEqual(4);
  expect(connections).toBeGreaterThanOrEqual(1);
  expect(limit - connections - opsConnections).toBeGreaterThanOrEqual(Math.min(136, Math.floor(limit / 3)));
});

test('the limit of this process is known on Linux', () => {
  const isLinux = process.platform === 'linux';
  expect(Number.isFinite(openFilesLimit())).toBe(isLinux);
});
