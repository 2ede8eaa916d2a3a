/** What a gateway says of itself while the store fails, forgets it and comes back. */
import { expect, onTestFinished, test } from 'vitest';
import type { Audience } from '../../../../src/contract/audience.ts';
import type { Attendee } from '../../../../src/contract/presence.ts';
import { MemoryPresence } from '../../../../src/operate/presence/memory-presence.ts';
import { Presence } from '../../../../src/operate/presence/presence.ts';
import type { Change, RoomCount, Rooms } from '../../../../src/operate/presence/presence-store.ts';
import { Unavailable } from '../../../../src/resilience/unavailable.ts';

class FailingPresence extends MemoryPresence {
  isAway = false;
  /** What it rejects with then. */
  failure: Error = new Unavailable('away');
  readonly beats: Rooms[] = [];
  writes = 0;
  back = () => {};

  override async write(changes: readonly Change[]): Promise<void> {
    if (this.isAway) throw this.failure;
    this.writes += 1;
    await super.write(changes);
  }

  override async beat(node: string, rooms: Rooms): Promise<boolean> {
    if (this.isAway) throw this.failure;
    this.beats.push(rooms);
    return await super.beat(node, rooms);
  }

  override onBack(listener: () => void = () => {}): void {
    this.back = listener;
  }
}

function attendee(session: string): Attendee {
  const connectedAt = new Date().toISOString();
  const described = { session, node: 'n', address: '192.0.2.1', transport: 'websocket', connectedAt };
  return { user: 'ada', session, describe: () => ({ ...described, audiences: {} }) };
}

function open(beatMs = 10) {
  const store = new FailingPresence();
  const faults: unknown[] = [];
  const onFault = (error: unknown) => faults.push(error);
  const presence = new Presence({ node: 'n', store, beatMs, now: Date.now, onFault });
  const rooms = new Map<Audience, RoomCount | undefined>();
  let changed = new Set<Audience>();
  const put = (audience: Audience, roomCounts: RoomCount | undefined) => {
    rooms.set(audience, roomCounts);
    changed.add(audience);
  };
  presence.start((isAll) => {
    const told = [...rooms].filter(([audience]) => isAll || changed.has(audience));
    changed = new Set();
    return new Map(told);
  });
  onTestFinished(() => presence.close());
  const names = async () => (await store.of('ada')).sessions.map((one) => one.session);
  return { store, presence, put, names, faults };
}

test('what is reported of sessions is written, and all rooms only once', async () => {
  const { store, presence, put, names } = open();
  presence.present(attendee('s1'));
  presence.present(attendee('s2'));
  presence.gone('s1', { global: { epoch: 'a', offset: 4 } });
  presence.gone('never told', {});
  await expect.poll(names).toEqual(['s2']);
  expect((await store.of('ada')).devices).toMatchObject([
    { session: 's1', audiences: { global: { offset: 4 } } },
  ]);
  put('department:sales', { users: 1, sessions: 2 });
  await expect.poll(() => store.hosts('department:sales')).toEqual([{ node: 'n', users: 1, sessions: 2 }]);
  await expect.poll(() => store.beats.length).toBeGreaterThan(5);
  expect(store.beats.filter(({ isAll }) => isAll)).toHaveLength(1);
});

test('what could not be written is written later, and who left meanwhile is not there', async () => {
  const { store, presence, put, names } = open();
  const many = Array.from({ length: 450 }, (_, i) => `s${i}`);
  presence.present(attendee('before'));
  await expect.poll(names).toEqual(['before']);
  store.isAway = true;
  for (const name of many) presence.present(attendee(name));
  presence.gone('before', {});
  presence.gone('s0', {});
  put('global', { users: 9, sessions: 9 });
  await expect.poll(names).toEqual(['before']);
  store.isAway = false;
  await expect.poll(async () => (await names()).sort()).toEqual(many.slice(1).sort());
  expect(await store.hosts('global')).toEqual([{ node: 'n', users: 9, sessions: 9 }]);
});

test('a store that has forgotten the node gets everything again', async () => {
  const { store, presence, put, names } = open();
  presence.present(attendee('s1'));
  put('global', { users: 1, sessions: 1 });
  await expect.poll(() => store.hosts('global')).toHaveLength(1);
  await store.write([
    { user: 'ada', gone: { ...attendee('s1').describe(), disconnectedAt: new Date().toISOString() } },
  ]);
  await store.leave('n');
  await expect.poll(names).toEqual(['s1']);
  await expect.poll(() => store.hosts('global')).toHaveLength(1);
});

test('a store that was away gets everything as soon as it is back, also what it had taken', async () => {
  const { store, presence, names } = open(1_000_000);
  presence.present(attendee('s1'));
  await expect.poll(names).toEqual(['s1']);
  await store.write([
    { user: 'ada', gone: { ...attendee('s1').describe(), disconnectedAt: new Date().toISOString() } },
  ]);
  store.back();
  await expect.poll(names).toEqual(['s1']);
});

test('in the end the last departures are written and the node is gone, unless the store is away', async () => {
  const { store, presence, names } = open();
  presence.present(attendee('s1'));
  await expect.poll(names).toEqual(['s1']);
  store.isAway = true;
  presence.gone('s1', {});
  await expect.poll(() => store.beats.length).toBeGreaterThan(0);
  store.isAway = false;
  await presence.close();
  expect(await names()).toEqual([]);
  expect(await store.hosts('global')).toEqual([]);
  store.isAway = true;
  await presence.close();
});

test('a fault of ours is reported, an outage is not, and both are made good', async () => {
  const { store, presence, names, faults } = open();
  const fault = new TypeError('a fault');
  for (const failure of [new Unavailable('away'), fault]) {
    store.failure = failure;
    store.isAway = true;
    const session = failure.message;
    presence.present(attendee(session));
    await expect.poll(() => faults.includes(fault)).toBe(failure === fault);
    store.isAway = false;
    await expect.poll(names).toContain(session);
  }
  expect(new Set(faults)).toEqual(new Set([fault]));
});
