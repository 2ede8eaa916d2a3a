/** The canary: when the next one leaves, what counts as having come back, and which leg is named when none does. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CANARY_LIFETIME_MS, Canary, type CanaryLeg } from '../../../../src/operate/canary/canary.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const EVERY_MS = 5_000;

/** Everything works and is instant, until a test breaks it. */
class World {
  readonly sent: string[] = [];
  readonly roundTrips: number[] = [];
  readonly changes: (CanaryLeg | undefined)[] = [];
  readonly faults: unknown[] = [];
  enters = true;
  confirms: 'yes' | 'no' | 'never' = 'yes';
  /** What becomes of one that RabbitMQ has. */
  consumer: 'appends' | 'is away' = 'appends';
  log: 'answers' | 'refuses' | 'hangs' = 'answers';
  room: 'live' | 'silent' | 'healed' = 'live';
  newest: string | undefined;
  readonly #queue: string[] = [];
  readonly canary = new Canary({
    everyMs: EVERY_MS,
    publish: async (id) => {
      this.sent.push(id);
      if (this.confirms === 'no') throw new Error('not confirmed');
      if (this.confirms === 'never') await new Promise(() => {});
      this.#queue.push(id);
      this.consume();
    },
    newest: async () => {
      if (this.log === 'refuses') throw new Error('away');
      if (this.log === 'hangs') await new Promise(() => {});
      return this.newest;
    },
    now: () => performance.now(),
    onArrived: (ms) => this.roundTrips.push(ms),
    onChange: (failed) => this.changes.push(failed),
    onFault: (error) => this.faults.push(error),
  });

  consume(): void {
    if (this.consumer !== 'appends') return;
    for (const id of this.#queue.splice(0)) {
      this.newest = id;
      if (this.room === 'silent') continue;
      if (this.room === 'healed') this.canary.healed();
      this.canary.arrived(id);
    }
  }

  start(): void {
    this.canary.start(async () => {
      if (!this.enters) throw new Error('not now');
    });
  }
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function flying(): Promise<World> {
  const world = new World();
  world.start();
  await pass(0);
  expect(world.canary.health).toEqual({ ok: true });
  return world;
}

test('is not well before the first has come back, and says so', async () => {
  const world = new World();
  world.consumer = 'is away';
  world.start();
  await pass(1_000);
  expect(world.canary.health).toEqual({ ok: false, reason: 'the first has not come back yet' });
  expect(world.canary.legs).toEqual({});
  world.consumer = 'appends';
  world.consume();
  expect(world.canary.health).toEqual({ ok: true });
  expect(world.canary.legs).toEqual({ rabbitmq: true, consumer: true, redis: true, subscription: true });
  expect(world.roundTrips).toEqual([1_000]);
});

test('one leaves each interval, and none while one is out', async () => {
  const world = await flying();
  await pass(2 * EVERY_MS);
  expect(world.sent).toEqual(['1', '2', '3']);
  world.consumer = 'is away';
  await pass(EVERY_MS);
  expect(world.sent).toHaveLength(4);
  await pass(50_000);
  expect(world.sent).toHaveLength(4);
});

test.each<[CanaryLeg, Partial<World>]>([
  ['rabbitmq', { confirms: 'no' }],
  ['rabbitmq', { confirms: 'never' }],
  ['consumer', { consumer: 'is away' }],
  ['redis', { consumer: 'is away', log: 'refuses' }],
  ['redis', { consumer: 'is away', log: 'hangs' }],
  ['subscription', { room: 'silent' }],
  ['subscription', { room: 'healed' }],
])('%s is named within 15 seconds of %j, once', async (leg, broken) => {
  const world = await flying();
  Object.assign(world, broken);
  // Right after one has come back it takes longest.
  await pass(EVERY_MS + 6_000);
  expect(world.canary.health).toEqual({ ok: true });
  await pass(4_000);
  expect(world.canary.health).toEqual({ ok: false, reason: leg });
  expect(world.canary.legs).toMatchObject({ [leg]: false });
  expect(Object.values(world.canary.legs).filter((ok) => !ok)).toHaveLength(1);
  await pass(30_000);
  expect(world.changes).toEqual([leg]);
});

test('before the first has come back the leg is named as well', async () => {
  const world = new World();
  world.confirms = 'no';
  world.start();
  await pass(9_000);
  expect(world.canary.health).toEqual({ ok: false, reason: 'rabbitmq' });
});

test('a room that cannot be entered is tried again; until then nothing is sent', async () => {
  const world = new World();
  world.enters = false;
  world.start();
  await pass(9_000);
  expect(world.canary.health).toEqual({ ok: false, reason: 'subscription' });
  world.log = 'refuses';
  await pass(2_000);
  expect(world.canary.health).toEqual({ ok: false, reason: 'redis' });
  expect(world.sent).toEqual([]);
  world.enters = true;
  await pass(1_000);
  expect(world.canary.health).toEqual({ ok: true });
});

test('during a long outage of the consumer one a minute is sent, and the one that comes back first is enough', async () => {
  const world = await flying();
  world.consumer = 'is away';
  await pass(10 * 60_000);
  expect(world.sent.length).toBeLessThanOrEqual(12);
  expect(world.sent.length).toBeGreaterThanOrEqual(10);
  world.consumer = 'appends';
  world.consume();
  expect(world.canary.health).toEqual({ ok: true });
  expect(world.changes).toEqual(['consumer', undefined]);
  // The others of the queue came right behind it, and are not awaited any more.
  expect(world.roundTrips).toHaveLength(2);
});

test('a late one ends the doubt, one that nobody sent does not', async () => {
  const world = await flying();
  world.consumer = 'is away';
  await pass(15_000);
  world.canary.arrived('1');
  world.canary.arrived('from elsewhere');
  expect(world.canary.health).toEqual({ ok: false, reason: 'consumer' });
  world.canary.arrived('2');
  expect(world.canary.health).toEqual({ ok: true });
});

test('one that was read from the log is followed by another at once, which tells', async () => {
  const world = await flying();
  await pass(EVERY_MS - 1_000);
  world.room = 'healed';
  await pass(1_000);
  world.room = 'live';
  await pass(1_000);
  expect(world.sent).toEqual(['1', '2', '3']);
  expect(world.canary.health).toEqual({ ok: true });
  expect(world.roundTrips).toHaveLength(2);
  expect(world.changes).toEqual([]);
});

test('what arrives while the log is read is not overruled by what was read', async () => {
  const world = await flying();
  world.consumer = 'is away';
  world.log = 'hangs';
  await pass(EVERY_MS + 7_700);
  world.canary.arrived('2');
  await pass(2_000);
  expect(world.changes).toEqual([]);
  expect(world.canary.health).toEqual({ ok: true });
});

test('a leg that becomes another is named anew', async () => {
  const world = await flying();
  world.consumer = 'is away';
  await pass(15_000);
  world.log = 'refuses';
  await pass(2_000);
  expect(world.changes).toEqual(['consumer', 'redis']);
  world.log = 'answers';
  world.newest = world.sent.at(-1);
  await pass(2_000);
  expect(world.changes).toEqual(['consumer', 'redis', 'subscription']);
});

test('it tells since when none has come back, from the first that was sent, and which leg failed', async () => {
  const world = await flying();
  expect(world.canary.awaitedForMs).toBeUndefined();
  world.consumer = 'is away';
  await pass(EVERY_MS);
  expect(world.canary.awaitedForMs).toBe(0);
  // Others follow it each minute, and the first was sent an hour ago and more.
  await pass(2 * CANARY_LIFETIME_MS);
  expect(world.sent.length).toBeGreaterThan(100);
  expect(world.canary.awaitedForMs).toBe(2 * CANARY_LIFETIME_MS);
  expect(world.canary.failedLeg).toBe('consumer');
  world.consumer = 'appends';
  world.consume();
  expect(world.canary.awaitedForMs).toBeUndefined();
  expect(world.canary.failedLeg).toBeUndefined();
});

test('one that was read from the log has come through, and only a later one is on its way', async () => {
  const world = await flying();
  world.consumer = 'is away';
  await pass(EVERY_MS + 61_000);
  expect(world.sent).toEqual(['1', '2', '3']);
  world.canary.healed();
  world.canary.arrived('2');
  expect(world.canary.awaitedForMs).toBe(1_000);
  world.canary.arrived('3');
  expect(world.canary.awaitedForMs).toBeUndefined();
});

test('nothing is on its way before the room was entered, and what RabbitMQ does not confirm may be', async () => {
  const world = new World();
  world.enters = false;
  world.start();
  await pass(9_000);
  expect(world.canary.awaitedForMs).toBeUndefined();
  world.confirms = 'no';
  world.enters = true;
  await pass(1_000);
  expect(world.canary.awaitedForMs).toBe(0);
  await pass(10_000);
  expect(world.canary.awaitedForMs).toBe(10_000);
});

test('sends nothing once it is stopped', async () => {
  const world = await flying();
  world.canary.stop();
  await pass(60_000);
  expect(world.sent).toEqual(['1']);
});
