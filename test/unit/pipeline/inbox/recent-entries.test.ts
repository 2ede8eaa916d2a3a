/** The newest of shared logs in memory: used only while it is exactly what the log holds. */
import { describe, expect, test } from 'vitest';
import type { Audience } from '../../../../src/contract/audience.ts';
import { type Cursor, EMPTY_HEAD } from '../../../../src/contract/notification.ts';
import type { Inbox } from '../../../../src/pipeline/inbox/inbox.ts';
import { decodeLiveMessage, type LiveMessage } from '../../../../src/pipeline/inbox/live-message.ts';
import { MemoryInbox } from '../../../../src/pipeline/inbox/memory-inbox.ts';
import { RecentEntries } from '../../../../src/pipeline/inbox/recent-entries.ts';
import { InboxUnavailable } from '../../../../src/resilience/unavailable.ts';
import { entry, LIMITS } from '../../../contract/inbox-contract.ts';

const forAll = (number: number) => ({ user: number, department: number, topic: number, global: number });
const SALES: Audience = 'department:sales';

/** A log, and a node that hosts its room and gets what `arrives` lets through. */
function setup({ most = 200 }: { readonly most?: number } = {}) {
  const published: LiveMessage[] = [];
  let reads = 0;
  const inbox = new MemoryInbox({
    limits: { ...LIMITS, maxLength: forAll(1_000) },
    now: Date.now,
    publish: (_audience, bytes) => {
      published.push(decodeLiveMessage(bytes) ?? expect.unreachable('a notification'));
      return 1;
    },
  });
  let fault: Error | undefined;
  const faults: unknown[] = [];
  const counting: Pick<Inbox, 'readEnvelopes' | 'shadows'> = {
    readEnvelopes: async (...range) => {
      reads += 1;
      if (fault !== undefined) throw fault;
      return await inbox.readEnvelopes(...range);
    },
    shadows: (audience) => inbox.shadows(audience),
  };
  const recent = new RecentEntries({
    inbox: counting,
    maxLength: forAll(most),
    onFault: (_audience, error) => faults.push(error),
  });
  const headOf = async (audience: Audience): Promise<Cursor> =>
    (await inbox.heads([audience]))[0] ?? EMPTY_HEAD;
  return {
    inbox,
    recent,
    faults,
    headOf,
    published,
    get reads() {
      return reads;
    },
    fail: (error: Error | undefined) => {
      fault = error;
    },
    /** Appends, and returns the messages for the caller to pass on. */
    append: async (audience: Audience, ...ids: string[]) => {
      published.length = 0;
      await inbox.append(
        audience,
        ids.map((id) => entry(id, audience)),
      );
      return [...published];
    },
    idsIn: async (audience: Audience, first = 1) => {
      const head = await headOf(audience);
      return recent.take(audience, head, [[first, head.offset]], 1_000)?.entries.map(({ id }) => id);
    },
  };
}

type Setup = ReturnType<typeof setup>;

async function loaded({ recent, append, headOf }: Setup, audience: Audience, ...ids: string[]) {
  await append(audience, ...ids);
  recent.hosted(audience);
  await recent.load(audience, await headOf(audience));
}

describe('what is in memory', () => {
  test('is what was read, and what was passed on since, newest first', async () => {
    const own = setup();
    await loaded(own, SALES, 'a', 'b');
    for (const message of await own.append(SALES, 'c', 'd')) own.recent.passedOn(SALES, message);
    expect(await own.idsIn(SALES)).toEqual(['d', 'c', 'b', 'a']);
    expect(await own.idsIn(SALES, 3)).toEqual(['d', 'c']);
    expect(own.reads).toBe(1);
  });

  test('says what is left to be read of a log that is longer', async () => {
    const own = setup({ most: 3 });
    await loaded(own, SALES, 'a', 'b', 'c', 'd', 'e');
    const head = await own.headOf(SALES);
    const taken = own.recent.take(SALES, head, [[1, 5]], 2);
    expect([taken?.entries.map(({ offset }) => offset), taken?.rest]).toEqual([[5, 4], [[1, 3]]]);
    expect(own.recent.take(SALES, head, [[1, 3]], 2)).toMatchObject({ rest: [[1, 2]] });
    expect(own.recent.take(SALES, head, [[1, 2]], 2)).toBeUndefined();
  });

  test('is all there is of a log that is no longer', async () => {
    const own = setup();
    await loaded(own, SALES, 'a', 'b');
    const none = own.recent.take(SALES, await own.headOf(SALES), [], 5);
    expect(none).toEqual({ entries: [], rest: [] });
  });

  test('holds what arrived while the log was being read', async () => {
    const own = setup();
    await own.append(SALES, 'a');
    own.recent.hosted(SALES);
    const loading = own.recent.load(SALES, await own.headOf(SALES));
    for (const message of await own.append(SALES, 'b')) own.recent.passedOn(SALES, message);
    await loading;
    expect(await own.idsIn(SALES)).toEqual(['b', 'a']);
  });

  test('is read once for all who ask at the same time', async () => {
    const own = setup();
    await own.append(SALES, 'a');
    own.recent.hosted(SALES);
    const head = await own.headOf(SALES);
    await Promise.all([1, 2, 3].map(() => own.recent.load(SALES, head)));
    expect([own.reads, await own.idsIn(SALES)]).toEqual([1, ['a']]);
  });
});

describe('it is not read again', () => {
  test('for somebody who looks further back than it reaches', async () => {
    const own = setup({ most: 2 });
    await loaded(own, SALES, 'a', 'b', 'c');
    const head = await own.headOf(SALES);
    expect(own.recent.take(SALES, head, [[1, 1]], 5)).toBeUndefined();
    expect(await own.recent.load(SALES, head)).toBe(0);
    expect([own.reads, await own.idsIn(SALES, 2)]).toEqual([1, ['c', 'b']]);
  });

  test('for somebody who goes by an older head', async () => {
    const own = setup();
    await loaded(own, SALES, 'a', 'b');
    const older = { ...(await own.headOf(SALES)), offset: 1 };
    expect(await own.recent.load(SALES, older)).toBe(0);
    expect([own.reads, await own.idsIn(SALES)]).toEqual([1, ['b', 'a']]);
  });

  test('for a head with which it could not be kept', async () => {
    const own = setup();
    await own.append(SALES, 'a');
    own.recent.hosted(SALES);
    const head = { epoch: 'another', offset: 1 };
    expect([await own.recent.load(SALES, head), await own.recent.load(SALES, head)]).toEqual([1, 0]);
  });
});

describe('when it cannot be read', () => {
  async function failing(error: Error) {
    const own = setup();
    await own.append(SALES, 'a');
    own.recent.hosted(SALES);
    const head = await own.headOf(SALES);
    own.fail(error);
    expect(await own.recent.load(SALES, head)).toBe(0);
    expect(await own.idsIn(SALES)).toBeUndefined();
    own.fail(undefined);
    return { own, head };
  }

  test('because Redis is away, the next one reads it', async () => {
    const { own, head } = await failing(new InboxUnavailable('Redis is away'));
    expect(await own.recent.load(SALES, head)).toBe(1);
    expect([await own.idsIn(SALES), own.faults]).toEqual([['a'], []]);
  });

  test('because of something else, that is told once, and it is read when the log has gone on', async () => {
    const fault = new Error('an entry is no notification');
    const { own, head } = await failing(fault);
    expect(await own.recent.load(SALES, head)).toBe(0);
    await own.append(SALES, 'b');
    expect(await own.recent.load(SALES, await own.headOf(SALES))).toBe(2);
    expect([await own.idsIn(SALES), own.faults]).toEqual([['b', 'a'], [fault]]);
  });
});

describe('it is not used', () => {
  test('when a message was lost, until the log is read again', async () => {
    const own = setup();
    await loaded(own, SALES, 'a');
    await own.append(SALES, 'lost');
    expect(await own.idsIn(SALES)).toBeUndefined();
    for (const message of await own.append(SALES, 'c')) own.recent.passedOn(SALES, message);
    expect(await own.idsIn(SALES)).toBeUndefined();
    await own.recent.load(SALES, await own.headOf(SALES));
    expect(await own.idsIn(SALES)).toEqual(['c', 'lost', 'a']);
  });

  test('for a log of another epoch', async () => {
    const own = setup();
    await loaded(own, SALES, 'a', 'b');
    const { offset } = await own.headOf(SALES);
    expect(own.recent.take(SALES, { epoch: 'another', offset }, [[1, offset]], 5)).toBeUndefined();
  });

  test('when what was read is not of the epoch that the head is of', async () => {
    const own = setup();
    await own.append(SALES, 'a');
    own.recent.hosted(SALES);
    const head = { epoch: 'another', offset: 1 };
    await own.recent.load(SALES, head);
    expect(own.recent.take(SALES, head, [[1, 1]], 5)).toBeUndefined();
  });

  test('when the room is not hosted any more, nor when it is again', async () => {
    const own = setup();
    await loaded(own, SALES, 'a');
    own.recent.left(SALES);
    expect(await own.idsIn(SALES)).toBeUndefined();
    own.recent.hosted(SALES);
    expect(await own.idsIn(SALES)).toBeUndefined();
  });

  test('when the room was left while the log was being read', async () => {
    const own = setup();
    await own.append(SALES, 'a');
    own.recent.hosted(SALES);
    const loading = own.recent.load(SALES, await own.headOf(SALES));
    own.recent.left(SALES);
    own.recent.hosted(SALES);
    await loading;
    expect(await own.idsIn(SALES)).toBeUndefined();
  });

  test('when an entry does not say when it was appended, as those of older versions', async () => {
    const own = setup();
    await loaded(own, SALES, 'a');
    const [message = expect.unreachable('one')] = await own.append(SALES, 'b');
    const packet = Buffer.from(message.packet.toString().replace(/,"at":\d+/, ''));
    own.recent.passedOn(SALES, { ...message, packet });
    expect(await own.idsIn(SALES)).toBeUndefined();
  });

  test.for<Audience>(['user:ada', 'topic:news'])(
    'for %s, whose log is not shared or not counted',
    async (audience) => {
      const own = setup();
      await loaded(own, audience, 'a');
      expect([own.reads, await own.idsIn(audience)]).toEqual([0, undefined]);
    },
  );
});

test('of very many logs those used last are kept', async () => {
  const own = setup();
  const audiences = Array.from({ length: 130 }, (_, i): Audience => `department:d${i}`);
  const ids = Array.from({ length: 200 }, (_, i) => `e${i}`);
  for (const audience of audiences) {
    await loaded(own, audience, ...ids);
    expect(await own.idsIn('department:d0')).toHaveLength(200);
  }
  const kept = await Promise.all(audiences.map((audience) => own.idsIn(audience)));
  expect(kept.filter((one) => one !== undefined)).toHaveLength(125);
  expect(kept.slice(1, 6)).toEqual(Array.from({ length: 5 }, () => undefined));
});

test('what is passed on counts too', async () => {
  const own = setup();
  const audiences = Array.from({ length: 130 }, (_, i): Audience => `department:d${i}`);
  for (const audience of audiences) await loaded(own, audience, 'first');
  const ids = Array.from({ length: 199 }, (_, i) => `e${i}`);
  for (const audience of audiences) {
    for (const message of await own.append(audience, ...ids)) own.recent.passedOn(audience, message);
  }
  const kept = await Promise.all(audiences.map((audience) => own.idsIn(audience)));
  expect(kept.filter((one) => one !== undefined)).toHaveLength(125);
});
