/** The partitions study tells what was measured, from the right rounds and processes. */
import { expect, test } from 'vitest';
import type { Round } from '../../../bench/studies/partitions/stage.ts';
import { costsTable, ratesTable } from '../../../bench/studies/partitions/table.ts';
import { cpuMicrosOf, workerOf } from '../../../bench/support/process-cpu.ts';

const round = (consumers: number, perSecond: number): Round => ({
  perSecond,
  consumers,
  rabbitMqIn: 50,
  rabbitMqOut: 20,
  redis: 30,
  othersShare: 0.1,
});

test('ratios are of rounds that were made one after the other, and a round too few fails', () => {
  const one = { partitions: 1, rounds: [round(100, 5_000), round(200, 2_500), round(80, 6_000)] };
  const two = { partitions: 2, rounds: [round(110, 8_000), round(180, 4_000), round(88, 9_000)] };
  const costs = costsTable([one, two]);
  expect(costs).toContain('| CPU-µs an event | 1 | 2 | 2 ÷ 1 |');
  // Of the medians it would be 1.10, too; the extremes tell them apart.
  expect(costs).toContain('| the consumers | 100 (80–200) | 110 (88–180) | 1.1 (0.9–1.1) |');
  expect(costs).toContain('| together | 200 (180–300) | 210 (188–280) | 1.04 (0.93–1.05) |');
  expect(ratesTable([one, two])).toContain('| 2 | 9,091 | 8,000 (4,000–9,000) | 10 % |');
  expect(() => costsTable([{ ...one, rounds: one.rounds.slice(1) }, two])).toThrow('was not found');
});

test.skipIf(process.platform !== 'linux')('the CPU time of a process is that of all its threads', () => {
  expect(workerOf(process.pid)).toBeGreaterThan(0);
  const before = cpuMicrosOf(process.pid);
  const { user, system } = process.cpuUsage();
  const after = cpuMicrosOf(process.pid);
  // Node asks for the same in another way.
  expect(after).toBeGreaterThan(before);
  expect(user + system).toBeGreaterThan(before * 0.5);
  expect(() => cpuMicrosOf(2 ** 30)).toThrow('ENOENT');
});
