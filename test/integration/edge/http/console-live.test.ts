/** The console's live stream: the way of events through all processes, what it costs while nobody looks, and its end. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Stage, type StageName, stageNames } from '../../../../src/contract/console.ts';
import { type CarillonProcess, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { askLive, type LiveStream, openLive } from '../../../support/live-stream.ts';
import { madeEvent } from '../../../support/producer.ts';
import { monitorRedis } from '../../../support/redis-monitor.ts';
import { type Stack, startStack } from '../../../support/stack.ts';
import { until } from '../../../support/until.ts';

const adminToken = () => tokenFor('operator', { scope: 'admin' });

async function connect(carillon: CarillonProcess, user: string, auth?: Record<string, unknown>) {
  const options = auth === undefined ? {} : { auth };
  const client = connectClient(carillon.url, await tokenFor(user), options);
  onTestFinished(() => client.close());
  await client.session();
  return client;
}

const byStage = (a: Stage, b: Stage) => stageNames.indexOf(a.stage) - stageNames.indexOf(b.stage);

const namesOf = (stages: readonly Stage[]) => stages.map(({ stage }) => stage);

describe('of a consumer and two gateways', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ CONSOLE: 'true', CANARY_SECONDS: '0' });
  });
  afterAll(() => stack?.stop());

  /** At a gateway, with which none of the test's devices is connected. */
  async function watch() {
    const live = await openLive(stack.gateways[1]?.opsUrl ?? '', await adminToken());
    onTestFinished(() => live.close());
    return live;
  }

  function firstGateway(): CarillonProcess {
    const [gateway] = stack.gateways;
    if (gateway === undefined) throw new Error('there is no gateway');
    return gateway;
  }

  /**
   * Each process hears by itself that somebody watches: an event that went all the way says that all have. When one
   * more was seen all the way, nothing of those before is still to be told.
   */
  async function watchedByAll() {
    const live = await watch();
    const client = await connect(firstGateway(), 'scout');
    const send = async () => {
      const sent = client.notifications.length;
      const id = randomUUID();
      await stack.producer.publish(madeEvent(id, { audience: 'user:scout' }));
      await client.received(sent + 1);
      return id;
    };
    await until('all processes to tell', 20_000, async () => {
      await send();
      return live.sumOf('appended') > 0 && live.sumOf('delivered') > 0;
    });
    await live.stagesOf(await send(), 4);
    client.close();
    await until('the scout to be gone', 20_000, () => live.ticks.at(-1)?.connections === 0);
    return live;
  }

  test('the stages of an event are seen in their order, with where and how many', async () => {
    const live = await watchedByAll();
    await Promise.all([connect(firstGateway(), 'ada'), connect(firstGateway(), 'ada')]);
    await expect.poll(() => live.ticks.at(-1)?.connections).toBe(2);
    await stack.producer.publish(madeEvent('order-1', { type: 'order.paid', audience: 'user:ada' }));
    // Two ways: an event's stages may be in two ticks. And two clocks, which agree to a few milliseconds.
    const stages = (await live.stagesOf('order-1', 4)).toSorted(byStage);
    const atMs = (name: StageName) => stages.find(({ stage }) => stage === name)?.atMs ?? Number.NaN;
    expect(atMs('received')).toBeLessThanOrEqual(atMs('mapped'));
    expect(atMs('mapped')).toBeLessThanOrEqual(atMs('appended'));
    expect(Math.abs(atMs('delivered') - atMs('appended'))).toBeLessThan(60_000);
    const event = { source: '/test', id: 'order-1', type: 'order.paid' };
    const [consumer, gateway] = [stages[0]?.node, stages[3]?.node];
    expect(gateway).not.toBe(consumer);
    const place = { audience: 'user:ada', epoch: expect.any(String), offset: 1 };
    const common = { event, atMs: expect.any(Number) };
    expect(stages).toEqual([
      { ...common, stage: 'received', node: consumer },
      { ...common, stage: 'mapped', node: consumer, audiences: ['user:ada'], count: 1 },
      { ...common, stage: 'appended', node: consumer, ...place, nodes: 1 },
      { ...common, stage: 'delivered', node: gateway, ...place, sockets: 2, latencyMs: expect.any(Number) },
    ]);
    const tick = live.ticks.find(({ samples }) => samples.some((one) => one === stages[3]));
    expect(tick?.latencyMs).toEqual({ p50: expect.any(Number), p99: expect.any(Number) });
    expect(tick?.counts.delivered).toBe(2);
  });

  test('a burst is counted as a whole, and shown in part', async () => {
    const live = await watchedByAll();
    const before = live.sumOf('appended');
    const burst = Array.from({ length: 500 }, (_, i) => madeEvent(`burst-${i}`, { audience: 'user:burst' }));
    await stack.producer.publish(...burst);
    await expect.poll(() => live.sumOf('appended') - before).toBe(500);
    const shown = live.ticks.reduce((sum, { samples }) => sum + samples.length, 0);
    const dropped = live.ticks.reduce((sum, tick) => sum + tick.dropped, 0);
    expect(dropped).toBeGreaterThan(0);
    // Of one socket each: every delivery counts once.
    const names = stageNames.map((name) => live.sumOf(name));
    expect(shown + dropped).toBe(names.reduce((sum, count) => sum + count, 0));
  });

  test('a dead letter is seen with its reason, also one that is no event', async () => {
    const live = await watchedByAll();
    await stack.producer.publish(madeEvent('nobody', { type: 'unknown.type' }));
    const lost = await live.stagesOf('nobody', 2);
    expect(namesOf(lost)).toEqual(['received', 'dead']);
    expect(lost[1]).toMatchObject({ reason: 'no_audience', detail: expect.stringContaining('unknown.type') });
    await stack.producer.publishRaw(Buffer.from('{"specversion":'), {}, 'broken.type');
    const broken = await live.stagesOf('', 2);
    expect(broken.map(({ stage, event, reason }) => [stage, event.type, reason])).toEqual([
      ['received', 'broken.type', undefined],
      ['dead', 'broken.type', 'not_json'],
    ]);
    expect(live.sumOf('dead')).toBe(2);
  });

  test('a repeat is named one, and what comes back to a client is counted', async () => {
    const live = await watchedByAll();
    const event = madeEvent('twice', { audience: 'user:grace' });
    await stack.producer.publish(event, event);
    const appended = (await live.stagesOf('twice', 6)).filter(({ stage }) => stage === 'appended');
    expect(appended.map(({ offset, detail }) => [offset, detail])).toEqual([
      [1, undefined],
      [1, 'repeat'],
    ]);
    const epoch = appended[0]?.epoch;
    await connect(firstGateway(), 'grace', { cursors: { 'user:grace': { epoch, offset: 0 } } });
    await expect.poll(() => live.sumOf('recovered')).toBe(1);
  });

  test('while nobody watches nothing is sent over Redis, and when the last one has gone nothing again', async () => {
    const told: string[] = [];
    const seen: string[] = [];
    let lastToldAtMs = Date.now();
    // What a script publishes is told as well, as `lua`.
    await monitorRedis(stack.redis.url, (command) => {
      const line = command.join(' ');
      seen.push(line);
      if (!line.includes('carillon:{tap}')) return;
      told.push(line);
      lastToldAtMs = Date.now();
    });
    const client = await connect(firstGateway(), 'eve');
    const publish = async (id: string) => {
      const sent = client.notifications.length;
      await stack.producer.publish(madeEvent(id, { audience: 'user:eve' }));
      await client.received(sent + 1);
    };
    /** What is told of activity while some events go all the way. */
    const toldOf = async (name: string) => {
      told.length = 0;
      seen.length = 0;
      for (let i = 0; i < 20; i += 1) await publish(`${name}-${i}`);
      await until('the monitor to tell of the last', 20_000, () =>
        seen.some((line) => line.includes(`${name}-19`)),
      );
      return [...told];
    };
    // A process that was told that it is watched may think so for three seconds, and speaks once a second meanwhile;
    // those of other tests may still do so.
    const silence = () => until('silence', 30_000, () => Date.now() - lastToldAtMs > 5_000);
    await silence();
    expect(await toldOf('unseen')).toEqual([]);
    const live = await watch();
    await publish('seen');
    await expect.poll(() => told.length).toBeGreaterThan(1);
    expect(
      live.ticks.flatMap(({ samples }) => samples).filter(({ event }) => event.id.startsWith('unseen')),
    ).toEqual([]);
    live.close();
    await silence();
    expect(await toldOf('again')).toEqual([]);
  });

  test('whoever watches at a process that goes down gets the end, and it exits with 0', async () => {
    const gateway = await startCarillon({ ...stack.environment, ROLES: 'gateway' });
    const live = await openLive(gateway.opsUrl, await adminToken());
    expect(await gateway.stop()).toBe(0);
    expect(await live.ended).toBe('complete');
  });
});

describe('in embedded mode', () => {
  let carillon: CarillonProcess;
  beforeAll(async () => {
    carillon = await startCarillon({ CANARY_SECONDS: '1' });
  });
  afterAll(() => carillon?.stop());

  async function send(id: string, audience: string) {
    const response = await fetch(`${carillon.url}/console/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(madeEvent(id, { audience })),
    });
    expect(response.status).toBe(202);
  }

  /** Of those that watched in the tests before, some may not be known to be gone yet. */
  async function openLiveWhenThereIsRoom(): Promise<LiveStream> {
    let live: LiveStream | undefined;
    await until('room for one who watches', 20_000, async () => {
      live = await openLive(carillon.url).catch((error) => {
        if (String(error).includes('live_unavailable')) return undefined;
        throw error;
      });
      return live !== undefined;
    });
    return live ?? expect.unreachable('there is none');
  }

  test('the stages of an event are seen in their order, at once and not compressed', async () => {
    const live = await openLive(carillon.url);
    expect(live.headers.get('content-type')).toBe('text/event-stream');
    expect(live.headers.get('content-encoding')).toBeNull();
    await send('1', 'global');
    expect(namesOf(await live.stagesOf('1', 3))).toEqual(['received', 'mapped', 'appended']);
    live.close();
  });

  test('canaries are none of the events that are shown or counted', async () => {
    const live = await openLive(carillon.url);
    await until('ten ticks of a canary', 20_000, async () => {
      await send(`${live.ticks.length}`, 'global');
      return live.ticks.length > 10;
    });
    const types = live.ticks.flatMap(({ samples }) => samples.map(({ event }) => event.type));
    expect(new Set(types)).toEqual(new Set(['test.made']));
    live.close();
  });

  test('twenty may watch; who comes then may when one has gone', async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, openLiveWhenThereIsRoom));
    const refused = await askLive(carillon.url);
    expect([refused.status, await refused.json()]).toEqual([
      503,
      expect.objectContaining({ code: 'live_unavailable' }),
    ]);
    expect(refused.headers.get('retry-after')).toBe('5');
    streams[0]?.close();
    await until('room', 20_000, async () => {
      const response = await askLive(carillon.url);
      await response.body?.cancel();
      return response.status === 200;
    });
    for (const stream of streams) stream.close();
  });

  test('it ends with the service, which exits with 0', async () => {
    const streams = await Promise.all([openLiveWhenThereIsRoom(), openLiveWhenThereIsRoom()]);
    expect(await carillon.stop()).toBe(0);
    expect(await Promise.all(streams.map(({ ended }) => ended))).toEqual(['complete', 'complete']);
  });
});
