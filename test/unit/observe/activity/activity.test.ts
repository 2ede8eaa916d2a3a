/** What a tick holds of what many processes saw: counts of all of it, samples of some, and percentiles. */
import { describe, expect, test } from 'vitest';
import { MAX_SAMPLES, type Stage, type StageName, tickSchema } from '../../../../src/contract/console.ts';
import type { Seen } from '../../../../src/observe/activity/activity.ts';
import { NO_COUNTS } from '../../../../src/observe/activity/batch.ts';
import { Collector } from '../../../../src/observe/activity/collector.ts';
import { percentilesOf, roundedLatency } from '../../../../src/observe/activity/latencies.ts';
import { Merger } from '../../../../src/observe/activity/merger.ts';
import { fairShare } from '../../../../src/observe/activity/sampling.ts';

const event = (id: string) => ({ source: '/a', id, type: 't' });

const stage = (name: StageName, id: string, atMs = 0): Stage => ({
  stage: name,
  atMs,
  node: 'n',
  event: event(id),
});

const seen = (name: StageName, id: string, amount = 1, latencyMs?: number): Seen => ({
  stage: name,
  amount,
  latencyMs,
  show: () => ({ event: event(id) }),
});

const namesOf = (stages: readonly Stage[]) => stages.map(({ stage: name, event: { id } }) => `${name} ${id}`);

describe('percentiles', () => {
  test('of nothing there are none', () => {
    expect(percentilesOf(new Map())).toBeNull();
  });

  test('are those of all that was measured, however often each', () => {
    const latencies = new Map([
      [400, 1],
      [3, 50],
      [7, 149],
    ]);
    expect(percentilesOf(latencies)).toEqual({ p50: 7, p99: 7 });
    expect(percentilesOf(new Map([[5, 1]]))).toEqual({ p50: 5, p99: 5 });
    expect(percentilesOf(latencies.set(400, 3))).toEqual({ p50: 7, p99: 400 });
  });

  test('two digits are kept, and no clock makes them absurd', () => {
    expect([0.4, 12.6, 99.4, 123, 4_567, -3, 1e15].map(roundedLatency)).toEqual([
      0, 13, 99, 120, 4_600, 0, 86_000_000,
    ]);
  });
});

describe('samples', () => {
  test('are all there is when that is little, in the order in which it happened', () => {
    const stages = [stage('delivered', '1', 9), stage('dead', '2', 7), stage('received', '1', 7)];
    expect(namesOf(fairShare(stages))).toEqual(['received 1', 'dead 2', 'delivered 1']);
  });

  test('show no delivery before its append, which a gateway may hear of first', () => {
    const at = (name: StageName, offset: number, atMs: number): Stage => ({
      ...stage(name, String(offset), atMs),
      audience: 'user:1',
      epoch: 'a',
      offset,
    });
    const stages = [at('delivered', 1, 6), at('delivered', 1, 5), at('appended', 2, 5), at('appended', 1, 8)];
    expect(fairShare(stages).map(({ stage: name, offset, atMs }) => [name, offset, atMs])).toEqual([
      ['appended', 2, 5],
      ['appended', 1, 5],
      ['delivered', 1, 5],
      ['delivered', 1, 6],
    ]);
  });

  test('of a burst hold the whole way of its first events, and every dead letter that has room', () => {
    const names = ['received', 'mapped', 'appended', 'delivered'] as const;
    const burst = names.flatMap((name, at) =>
      Array.from({ length: 1_000 }, (_, i) => stage(name, String(i), at)),
    );
    const kept = namesOf(fairShare([...burst, stage('dead', 'x', 9), stage('dead', 'y', 9)]));
    expect(kept).toHaveLength(MAX_SAMPLES);
    expect(kept).toEqual(
      expect.arrayContaining(['dead x', 'dead y', ...names.flatMap((name) => [`${name} 0`, `${name} 11`])]),
    );
  });
});

describe('a collector', () => {
  test('counts everything, shows some of it, and keeps no more than that', () => {
    let shown = 0;
    const collector = new Collector({ node: 'n', now: () => 5 });
    collector.connections = () => 3;
    for (let i = 0; i < 10_000; i += 1) {
      collector.add({
        stage: 'delivered',
        amount: 2,
        latencyMs: 4,
        show: () => ({ event: event(`${++shown}`) }),
      });
    }
    collector.add({ stage: 'recovered', amount: 7 });
    const batch = collector.take();
    expect(batch).toMatchObject({
      node: 'n',
      connections: 3,
      counts: { ...NO_COUNTS, delivered: 20_000, recovered: 7 },
      latencies: [[4, 10_000]],
      dropped: 10_000 - MAX_SAMPLES,
    });
    expect(batch.samples).toHaveLength(MAX_SAMPLES);
    expect(shown).toBe(MAX_SAMPLES);
  });

  test('begins anew with each batch', () => {
    const collector = new Collector({ node: 'n', now: () => 5 });
    collector.add(seen('dead', '1'));
    collector.take();
    expect(collector.take()).toMatchObject({ counts: NO_COUNTS, latencies: [], samples: [], dropped: 0 });
  });
});

describe('a merger', () => {
  const batchOf = (node: string, connections: number, ...all: readonly Seen[]) => {
    const collector = new Collector({ node, now: () => 5 });
    collector.connections = () => connections;
    for (const one of all) collector.add(one);
    return collector.take();
  };

  test('adds up what all processes saw, and reports it once', () => {
    const merger = new Merger(() => 1_000);
    merger.add(batchOf('consumer', 0, seen('received', '1'), seen('mapped', '1'), seen('appended', '1')));
    merger.add(batchOf('gateway', 2, seen('delivered', '1', 2, 10), { stage: 'recovered', amount: 4 }));
    merger.add(batchOf('other', 3, seen('delivered', '1', 3, 30)));
    const tick = merger.take();
    expect(tick).toMatchObject({
      atMs: 1_000,
      counts: { received: 1, mapped: 1, appended: 1, delivered: 5, recovered: 4, dead: 0 },
      connections: 5,
      latencyMs: { p50: 10, p99: 30 },
      dropped: 0,
    });
    expect(tickSchema.parse(tick).samples.map(({ node, stage: name }) => `${node} ${name}`)).toEqual([
      'consumer received',
      'consumer mapped',
      'consumer appended',
      'gateway delivered',
      'other delivered',
    ]);
    expect(merger.take()).toBeUndefined();
  });

  test('what does not fit among the samples of all is dropped, and counted', () => {
    const merger = new Merger(() => 0);
    for (const node of ['a', 'b', 'c']) {
      merger.add(batchOf(node, 0, ...Array.from({ length: 60 }, (_, i) => seen('received', String(i)))));
    }
    const tick = merger.take();
    expect(tick?.samples).toHaveLength(MAX_SAMPLES);
    expect(tick).toMatchObject({ counts: { received: 180 }, dropped: 180 - MAX_SAMPLES });
  });

  test('reports who comes and goes, and forgets a process that falls silent', () => {
    let nowMs = 0;
    const merger = new Merger(() => nowMs);
    const connections = () => merger.take()?.connections;
    expect(connections()).toBeUndefined();
    merger.add(batchOf('a', 2));
    merger.add(batchOf('b', 3));
    expect(connections()).toBe(5);
    expect(connections()).toBeUndefined();
    nowMs = 4_000;
    merger.add(batchOf('a', 1));
    expect(connections()).toBe(4);
    nowMs = 8_000;
    expect(connections()).toBe(1);
    // Nobody is heard of: it is not known that there are none.
    nowMs = 20_000;
    expect(connections()).toBeUndefined();
  });

  test('shows somebody new what the others know', () => {
    const merger = new Merger(() => 0);
    merger.add(batchOf('a', 2));
    merger.take();
    merger.repeat();
    expect(merger.take()).toMatchObject({ connections: 2, counts: NO_COUNTS, latencyMs: null, samples: [] });
  });
});
