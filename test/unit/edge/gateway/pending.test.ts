/** What waits for all clients together: how it is counted, and who is cut off first. */
import { afterEach, describe, expect, test } from 'vitest';
import { Backlog, Chunk, PendingTotal } from '../../../../src/edge/gateway/wire/pending.ts';

const WRITE_BYTES = 256;
const MAX_BYTES = 100_000;

const totals: PendingTotal[] = [];
afterEach(() => {
  for (const total of totals.splice(0)) total.close();
});

function totalOf(maxBytes = MAX_BYTES) {
  const exceeded: [number, number][] = [];
  const total = new PendingTotal({ maxBytes, onExceeded: (...told) => exceeded.push(told) });
  totals.push(total);
  const cut: string[] = [];
  const client = (name: string) => {
    const waiter = {
      pendingBytes: 0,
      cutOff: () => {
        waiter.pendingBytes = 0;
        cut.push(name);
      },
    };
    const backlog = new Backlog(total, waiter);
    return {
      waiter,
      backlog,
      /** A write of the client's own, or one that others wait for too. */
      write: (chunk: Chunk) => {
        waiter.pendingBytes += chunk.bytes;
        backlog.add(chunk);
        total.check();
      },
    };
  };
  return { total, client, cut, exceeded };
}

describe('is counted', () => {
  test('while it waits, each write with what it takes besides its bytes', () => {
    const { total, client } = totalOf();
    const ada = client('ada');
    ada.write(new Chunk(1_000));
    ada.write(new Chunk(500));
    expect(total.bytes).toBe(1_500 + 2 * WRITE_BYTES);
    ada.waiter.pendingBytes = 500;
    expect(ada.backlog.isSettled()).toBe(false);
    expect(total.bytes).toBe(500 + WRITE_BYTES);
    ada.waiter.pendingBytes = 0;
    expect(ada.backlog.isSettled()).toBe(true);
    expect(total.bytes).toBe(0);
  });

  test('once, however many wait for the same bytes', () => {
    const { total, client, cut } = totalOf();
    const shared = new Chunk(90_000);
    const clients = Array.from({ length: 10 }, (_, i) => client(`c${i}`));
    for (const { write } of clients) write(shared);
    expect(total.bytes).toBe(90_000 + 10 * WRITE_BYTES);
    expect(cut).toEqual([]);
    for (const { backlog } of clients.slice(1)) backlog.clear();
    expect(total.bytes).toBe(90_000 + WRITE_BYTES);
    clients[0]?.backlog.clear();
    expect(total.bytes).toBe(0);
  });

  test('of those whose writes nobody reports, when it is looked', async () => {
    const { total, cut } = totalOf();
    const waiter = { pendingBytes: MAX_BYTES + 1, cutOff: () => cut.push('http') };
    total.watch(() => [waiter]);
    await expect.poll(() => cut).toContain('http');
  });
});

describe('too much', () => {
  test('cuts off those for whom most waits, and no more of them than makes room', () => {
    const { total, client, cut, exceeded } = totalOf();
    for (const [name, bytes] of [
      ['small', 10_000],
      ['large', 40_000],
      ['middle', 30_000],
    ] as const) {
      client(name).write(new Chunk(bytes));
    }
    expect(cut).toEqual([]);
    client('last').write(new Chunk(20_000));
    expect(cut).toEqual(['large']);
    expect(total.bytes).toBe(60_000 + 3 * WRITE_BYTES);
    expect(exceeded).toEqual([[1, 100_000 + 4 * WRITE_BYTES]]);
  });

  test('does not cut off those whose bytes are there for others anyway before one that has them alone', () => {
    const { client, cut } = totalOf();
    const shared = new Chunk(40_000);
    for (let i = 0; i < 100; i += 1) client(`reader ${i}`).write(shared);
    client('alone').write(new Chunk(40_000));
    expect(cut).toEqual(['alone']);
  });

  test('that has been taken meanwhile cuts off nobody', () => {
    const { client, cut } = totalOf();
    const quick = client('quick');
    quick.write(new Chunk(90_000));
    quick.waiter.pendingBytes = 0;
    client('other').write(new Chunk(90_000));
    expect(cut).toEqual([]);
  });
});
