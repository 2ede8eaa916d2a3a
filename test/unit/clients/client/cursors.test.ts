/** Cursors in a storage: what is read of it, what tabs do to each other there, and when it is written. */
import { describe, expect, test } from 'vitest';
import { mergeCursors, parseCursors, StoredCursors } from '../../../../src/clients/client/cursors.ts';
import { defaultStorage } from '../../../../src/clients/client/storage.ts';
import { STILL } from '../../../support/still-environment.ts';

const at = (offset: number, epoch = 'a') => ({ epoch, offset });

test.for([
  null,
  undefined,
  '',
  'no JSON',
  'null',
  '[]',
  '17',
  '{"global":null}',
  '{"global":{"epoch":1,"offset":1}}',
  '{"global":{"epoch":"a","offset":-1}}',
])('a storage with %j has no cursors', (text) => {
  expect(parseCursors(text)).toEqual(new Map());
});

test('cursors are read one by one, and nothing else with them', () => {
  const text = '{"global":{"epoch":"a","offset":3,"more":1},"user:1":7}';
  expect(parseCursors(text)).toEqual(new Map([['global', at(3)]]));
});

describe('merging', () => {
  test('takes no cursor back that another tab has moved', () => {
    const stored = new Map([
      ['global', at(9)],
      ['user:1', at(2)],
      ['topic:x', at(1)],
    ]);
    const own = new Map([
      ['global', at(8)],
      ['user:1', at(3)],
    ]);
    expect(Object.fromEntries(mergeCursors(stored, own))).toEqual({
      global: at(9),
      'user:1': at(3),
      'topic:x': at(1),
    });
  });

  test('takes the own one when the log began anew', () => {
    const merged = mergeCursors(new Map([['global', at(9)]]), new Map([['global', at(1, 'b')]]));
    expect(merged.get('global')).toEqual(at(1, 'b'));
  });

  test('keeps those that were used last when they become too many', () => {
    const stored = new Map(Array.from({ length: 1_024 }, (_, i) => [`topic:${i}`, at(1)] as const));
    const merged = mergeCursors(
      stored,
      new Map([
        ['topic:0', at(2)],
        ['global', at(1)],
      ]),
    );
    expect(merged.size).toBe(1_024);
    expect(['topic:0', 'topic:1', 'topic:2', 'global'].map((audience) => merged.has(audience))).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
});

/** A storage whose every call waits until the test lets it go. */
function slowStorage() {
  const values = new Map<string, string>();
  const calls: (() => void)[] = [];
  const slow = () => new Promise<void>((resolve) => calls.push(resolve));
  return {
    values,
    storage: {
      get: async (key: string) => {
        await slow();
        return values.get(key);
      },
      set: async (key: string, value: string) => {
        await slow();
        values.set(key, value);
      },
    },
    /** Lets all calls go until there are none any more; answers how many there were. */
    settle: async () => {
      let count = 0;
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        const call = calls.shift();
        if (call === undefined) return count;
        count += 1;
        call();
      }
    },
  };
}

describe('storing', () => {
  test('writes what there is when it writes, and not once per change', async () => {
    const { storage, values, settle } = slowStorage();
    const stored = new StoredCursors(storage, 'key');
    const cursors = new Map([['global', at(1)]]);
    for (let offset = 2; offset <= 100; offset += 1) {
      cursors.set('global', at(offset));
      stored.save(cursors);
    }
    expect(await settle()).toBe(2);
    expect(JSON.parse(values.get('key') ?? '')).toEqual({ global: at(100) });
  });

  test('writes again what changed while it wrote', async () => {
    const { storage, values, settle } = slowStorage();
    const stored = new StoredCursors(storage, 'key');
    stored.save(new Map([['global', at(1)]]));
    await Promise.resolve();
    await Promise.resolve();
    stored.save(new Map([['global', at(2)]]));
    await settle();
    expect(JSON.parse(values.get('key') ?? '')).toEqual({ global: at(2) });
  });

  test('forgets a topic that was left', async () => {
    const { storage, values, settle } = slowStorage();
    values.set('key', JSON.stringify({ 'topic:x': at(5), global: at(1) }));
    new StoredCursors(storage, 'key').forget('topic:x', new Map());
    await settle();
    expect(JSON.parse(values.get('key') ?? '')).toEqual({ global: at(1) });
  });

  test('is silent when the storage is broken', async () => {
    const broken = () => Promise.reject(new Error('forbidden'));
    const stored = new StoredCursors({ get: broken, set: broken }, 'key');
    stored.save(new Map([['global', at(1)]]));
    expect(await stored.load()).toEqual(new Map());
  });
});

describe('the storage by default', () => {
  test('is localStorage where there is one', () => {
    const values = new Map([['a', '1']]);
    const webStorage = {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => void values.set(key, value),
    };
    const storage = defaultStorage({ ...STILL, webStorage });
    storage.set('b', '2');
    expect([storage.get('a'), storage.get('b'), storage.get('c')]).toEqual(['1', '2', null]);
  });

  test('is memory elsewhere', () => {
    const storage = defaultStorage({ ...STILL, webStorage: undefined });
    storage.set('b', '2');
    expect([storage.get('b'), storage.get('c')]).toEqual(['2', undefined]);
  });
});
