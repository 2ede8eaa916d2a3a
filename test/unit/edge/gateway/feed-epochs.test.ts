/** A feed whose log begins, or begins anew, tells exactly from where on, and goes on quietly when nothing was lost. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeLog, messageOf, opened } from './fake-log.ts';

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A feed that is told of a fourth notification; what `happens` comes between the head of the log and the reading. */
async function openedWhileReading(happens: (log: FakeLog) => void) {
  const all = await opened(3);
  const { log, feed } = all;
  log.add('a', 'four');
  const read = log.read.bind(log);
  log.read = (...range) => {
    log.read = read;
    happens(log);
    return read(...range);
  };
  feed.check(log.head);
  await settle();
  return all;
}

describe('the first notification ever', () => {
  test('is the next of an empty log', async () => {
    const { log, feed, member } = await opened(0);
    expect(member.cursor).toEqual({ epoch: '0', offset: 0 });
    feed.receive(log.add('a'));
    feed.receive(log.add('a'));
    expect(member.told).toEqual([1, 2]);
    expect(log.asked).toEqual([]);
  });

  test('may be lost', async () => {
    const { log, feed, member } = await opened(0);
    feed.receive(log.fill('a', 2));
    await settle();
    expect(member.told).toEqual([1, 2]);
  });
});

describe('when the epoch changes', () => {
  test('goes on quietly while the log holds what it passed on last', async () => {
    const { log, feed, member } = await opened(5);
    feed.receive(log.add('b'));
    await settle();
    feed.receive(messageOf('a', 5));
    await settle();
    feed.receive(log.add('b'));
    expect(member.told).toEqual([6, 7]);
  });

  test.each<[string, number, (log: FakeLog) => void]>([
    ['lost the last two', 3, (log) => log.lose(4)],
    ['lost the last one', 4, (log) => log.lose(5)],
    ['lost everything, but not where it was', 0, (log) => log.lose(1)],
    [
      'began anew',
      0,
      (log) => void Object.assign(log, { entries: [], epochs: [], head: { epoch: '0', offset: 0 } }),
    ],
  ])('tells members from where on when the log %s, and then all that is there', async (_name, kept, lose) => {
    const { log, feed, member } = await opened(5);
    lose(log);
    const message = log.add('b');
    feed.receive(log.add('b'));
    await settle();
    feed.receive(message);
    feed.receive(log.add('b'));
    const offsets = [kept + 1, kept + 2, kept + 3];
    expect(member.told).toEqual([{ resync: { epoch: 'b', offset: kept } }, ...offsets]);
  });

  describe('and what was passed on last was lost before its consumer knew that it was appended', () => {
    test('goes on quietly when the consumer has appended it again', async () => {
      const { log, feed, member } = await opened(3);
      feed.receive(log.add('a', 'four'));
      feed.receive(log.add('a', 'five'));
      log.lose(4);
      const message = log.add('b', 'four');
      log.add('b', 'five');
      feed.receive(message);
      await settle();
      feed.receive(log.add('b'));
      expect(member.told).toEqual([4, 5, 6]);
    });

    test('informs members when another event has its place', async () => {
      const { log, feed, member } = await opened(3);
      feed.receive(log.add('a', 'four'));
      log.lose(4);
      feed.receive(log.add('b', 'other'));
      await settle();
      expect(member.told).toEqual([4, { resync: { epoch: 'b', offset: 3 } }, 4]);
    });

    test('informs members when the place is empty', async () => {
      const { log, feed, member } = await opened(3);
      feed.receive(log.add('a', 'four'));
      feed.receive(log.add('a', 'five'));
      log.lose(4);
      feed.receive(log.add('b', 'five'));
      await settle();
      expect(member.told).toEqual([4, 5, { resync: { epoch: 'b', offset: 3 } }, 4]);
    });

    test('does not take what it passed on earlier for what is at its place', async () => {
      const { log, feed, member } = await opened(3);
      feed.receive(log.add('a', 'four'));
      log.add('a', 'expired');
      Object.assign(log.entries[4] ?? {}, { expiresAtMs: 0 });
      feed.check(log.head);
      await settle();
      log.lose(4);
      log.add('b', 'expired');
      feed.receive(log.add('b', 'four'));
      await settle();
      expect(member.told).toEqual([4, { resync: { epoch: 'b', offset: 3 } }, 4, 5]);
    });
  });

  test('does not take what it reads for a part of the log that it asked for the head of', async () => {
    const { log, feed, member } = await openedWhileReading((log) => {
      log.lose(4);
      log.add('b', 'four');
    });
    feed.receive(log.add('b'));
    await settle();
    expect(member.told).toEqual([4, 5]);
  });

  test('waits for what a log has lost that it was about to read', async () => {
    const { log, feed, member } = await openedWhileReading((log) => log.lose(4));
    feed.receive(log.add('b', 'four'));
    await settle();
    expect(member.told).toEqual([4]);
  });

  test('goes on quietly when the log was only trimmed', async () => {
    const { log, feed, member } = await opened(5);
    log.entries = [];
    feed.receive(log.add('b'));
    await settle();
    expect(member.told).toEqual([6]);
  });
});

describe('when the head goes back within its epoch', () => {
  /** What was passed on is gone, and nothing has come in its place. */
  async function lost() {
    const all = await opened(3);
    const { log, feed } = all;
    feed.receive(log.add('a', 'four'));
    feed.receive(log.add('a', 'five'));
    log.lose(4);
    feed.check(log.head);
    await settle();
    return all;
  }

  test('has the epoch ended, and waits for what its consumer appends again', async () => {
    const { log, feed, member } = await lost();
    expect(log.head).toEqual({ epoch: 'b', offset: 3 });
    log.add('b', 'four');
    feed.receive(log.add('b', 'five'));
    await settle();
    expect(member.told).toEqual([4, 5]);
  });

  test('informs who entered meanwhile: they do not have what was lost', async () => {
    const { log, feed, member, enter } = await lost();
    const late = enter('late');
    log.add('b', 'four');
    feed.receive(log.add('b', 'five'));
    await settle();
    feed.receive(log.add('b'));
    expect(member.told).toEqual([4, 5, 6]);
    expect(late.told).toEqual([{ resync: { epoch: 'b', offset: 5 } }, 6]);
  });

  test('informs members when something else comes', async () => {
    const { log, feed, member } = await lost();
    feed.receive(log.add('b', 'other'));
    await settle();
    expect(member.told).toEqual([4, 5, { resync: { epoch: 'b', offset: 3 } }, 4]);
  });

  test('informs members when nothing comes for a long time', async () => {
    const { log, feed, member } = await lost();
    vi.advanceTimersByTime(20_000);
    feed.check(log.head);
    await settle();
    expect(member.told).toEqual([4, 5, { resync: { epoch: 'b', offset: 3 } }]);
  });

  test('takes nothing for lost that came while the head was asked for', async () => {
    const { log, feed, member } = await opened(3);
    const asked = feed.cursor;
    const head = log.head;
    feed.receive(log.add('a'));
    feed.check(head, asked);
    await settle();
    expect(log.asked).toEqual([]);
    expect(member.told).toEqual([4]);
  });
});
