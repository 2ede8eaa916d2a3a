/** Reading chosen offsets of a log, newest first, in chunks. */
import { describe, expect, test } from 'vitest';
import { EMPTY_HEAD } from '../../../../src/contract/notification.ts';
import { LogReader } from '../../../../src/pipeline/inbox/log-reader.ts';
import { MemoryInbox } from '../../../../src/pipeline/inbox/memory-inbox.ts';
import { meteredInbox } from '../../../../src/pipeline/inbox/metered-inbox.ts';
import { newestOf, parseRanges, type Ranges } from '../../../../src/pipeline/inbox/ranges.ts';
import { entry, LIMITS } from '../../../contract/inbox-contract.ts';
import fc from '../../../support/fast-check.ts';

const numbersIn = (ranges: Ranges) =>
  ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));

describe('newestOf', () => {
  test('cuts off the highest, newest range first, and leaves the rest', () => {
    expect(newestOf(parseRanges('1-5,8,10-12'), 5)).toEqual({
      top: [
        [10, 12],
        [8, 8],
        [5, 5],
      ],
      rest: [[1, 4]],
    });
  });

  test('of any ranges', () => {
    const anyOffsets = fc.uniqueArray(fc.integer({ min: 1, max: 50 }));
    fc.assert(
      fc.property(anyOffsets, fc.nat({ max: 60 }), (offsets, count) => {
        const ascending = offsets.toSorted((a, b) => a - b);
        const { top, rest } = newestOf(parseRanges(offsets.join(',')), count);
        const cut = Math.max(0, ascending.length - count);
        expect(numbersIn(top.toReversed())).toEqual(ascending.slice(cut));
        expect(numbersIn(rest)).toEqual(ascending.slice(0, cut));
      }),
    );
  });
});

describe('reading', () => {
  const audience = 'user:1';

  /** A reader of a log of so many entries, of which it holds the newest 20. */
  async function readerOf(length: number, offsets: string) {
    const inbox = new MemoryInbox({ limits: LIMITS, now: () => 0, publish: () => 0 });
    await inbox.append(
      audience,
      Array.from({ length }, (_, i) => entry(`e${i + 1}`, audience)),
    );
    const [head = EMPTY_HEAD] = await inbox.heads([audience]);
    return new LogReader(meteredInbox(inbox, undefined, undefined), { audience, head }, parseRanges(offsets));
  }

  async function readAll(reader: LogReader, count: number): Promise<number[]> {
    const offsets: number[] = [];
    for (;;) {
      while (reader.needsMore) await reader.readMore(count);
      const offset = reader.take()?.offset;
      if (offset === undefined) return offsets;
      offsets.push(offset);
    }
  }

  test('gives exactly the offsets asked for, newest first, whatever the chunk', async () => {
    for (const count of [1, 2, 3, 7, 100]) {
      const reader = await readerOf(15, '2-4,6,9-15');
      expect(await readAll(reader, count)).toEqual([15, 14, 13, 12, 11, 10, 9, 6, 4, 3, 2]);
      expect([reader.next, reader.needsMore, reader.position]).toEqual([undefined, false, 0]);
    }
  });

  test('passes over what the log does not hold any more', async () => {
    expect(await readAll(await readerOf(30, '1-12,20'), 4)).toEqual([20, 12, 11]);
  });

  test('asks for nothing older than where the log begins', async () => {
    const reader = await readerOf(300, '1-300');
    await reader.readMore(50);
    expect([reader.next?.offset, reader.needsMore]).toEqual([300, false]);
    expect(await readAll(reader, 50)).toEqual(Array.from({ length: 20 }, (_, i) => 300 - i));
    expect([reader.needsMore, reader.position]).toEqual([false, 0]);
  });

  test('its position is the newest offset that was not taken, also before it has been read', async () => {
    const reader = await readerOf(10, '2,7-9');
    expect([reader.next, reader.needsMore, reader.position]).toEqual([undefined, true, 9]);
    await reader.readMore(2);
    expect([reader.next?.offset, reader.needsMore, reader.position]).toEqual([9, false, 9]);
    reader.take();
    expect([reader.next?.offset, reader.position]).toEqual([8, 8]);
    reader.take();
    expect([reader.next, reader.needsMore, reader.position]).toEqual([undefined, true, 7]);
  });

  test('of nothing is at its end', async () => {
    const reader = await readerOf(3, '');
    expect([reader.next, reader.needsMore, reader.position]).toEqual([undefined, false, 0]);
    await reader.readMore(10);
    expect(reader.take()).toBeUndefined();
  });
});
