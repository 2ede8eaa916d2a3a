/** A feed gives its members everything after their cursor, in order and once, whatever the transport loses. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeLog, feedOn, gate, messageOf, opened } from './fake-log.ts';

/** Makes the log's answers wait; the function that is returned gives those that wait, and all later ones. */
function hold(log: FakeLog): () => Promise<unknown> {
  const { passed, open } = gate();
  log.delay = () => passed;
  return () => {
    open();
    return settle();
  };
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const pause = () => vi.advanceTimersByTimeAsync(2_000);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('while current', () => {
  test('passes on the next at once, to every member, without asking the log', async () => {
    const { log, feed, passedOn, member, enter } = await opened(5);
    expect(member.cursor).toEqual({ epoch: 'a', offset: 5 });
    const message = log.add('a');
    feed.receive(message);
    const second = enter('second');
    feed.receive(log.add('a'));
    expect(member.told).toEqual([6, 7]);
    expect(second).toEqual({ cursor: { epoch: 'a', offset: 6 }, told: [7] });
    expect(log.asked).toEqual([]);
    expect(passedOn.map(({ sockets }) => sockets)).toEqual([1, 2]);
    expect(passedOn[0]?.message).toBe(message);
  });

  test('drops what is old or comes again', async () => {
    const { log, feed, member } = await opened(5);
    const message = log.add('a');
    for (const each of [messageOf('a', 5), messageOf('a', 1), message, message]) feed.receive(each);
    await settle();
    expect(member.told).toEqual([6]);
    expect(log.asked).toEqual([]);
  });

  test('reads a hole from the log, in order, and then goes on', async () => {
    const { log, feed, member } = await opened(5);
    feed.receive(log.fill('a', 8));
    expect(member.told).toEqual([]);
    await settle();
    feed.receive(log.add('a'));
    expect(member.told).toEqual([6, 7, 8, 9]);
    expect(log.asked).toEqual(['head', [6, 8]]);
  });

  test('reads a large hole in pieces', async () => {
    const { log, feed, member } = await opened(0);
    feed.receive(log.fill('a', 450));
    await settle();
    expect(member.told).toEqual(Array.from({ length: 450 }, (_, i) => i + 1));
    expect(log.asked).toEqual(['head', [1, 200], [201, 400], [401, 450]]);
  });

  test('sends a member that has left nothing more', async () => {
    const { log, feed, member } = await opened(5);
    feed.leave('first');
    feed.receive(log.add('a'));
    expect(member.told).toEqual([]);
  });
});

describe('while it catches up', () => {
  test('neither loses nor doubles what comes meanwhile', async () => {
    const { log, feed, member } = await opened(5);
    const release = hold(log);
    feed.receive(log.fill('a', 7));
    feed.receive(log.add('a'));
    feed.receive(messageOf('a', 6));
    await release();
    expect(member.told).toEqual([6, 7, 8]);
    feed.receive(messageOf('a', 8));
    feed.receive(log.add('a'));
    expect(member.told).toEqual([6, 7, 8, 9]);
  });

  test('a member that enters gets exactly what follows its cursor', async () => {
    const { log, feed, member, enter } = await opened(0);
    const gates: (() => void)[] = [];
    log.delay = () => new Promise<void>((resolve) => gates.push(resolve));
    feed.receive(log.fill('a', 450));
    const late = [];
    for (let i = 0; i < 4; i += 1) {
      late.push(enter(`late ${i}`));
      gates.shift()?.();
      await settle();
    }
    expect(late.map(({ cursor }) => cursor.offset)).toEqual([0, 0, 200, 400]);
    for (const { cursor, told } of [member, ...late]) {
      expect(told).toEqual(Array.from({ length: 450 - cursor.offset }, (_, i) => cursor.offset + 1 + i));
    }
  });

  test('informs members of entries that the log holds no more', async () => {
    const { log, feed, member } = await opened(5);
    const message = log.fill('a', 20);
    log.entries = log.entries.filter(({ offset }) => offset > 18);
    feed.receive(message);
    await settle();
    feed.receive(log.add('a'));
    expect(member.told).toEqual([{ resync: { epoch: 'a', offset: 18 } }, 19, 20, 21]);
  });

  test('also when the log holds none of them', async () => {
    const { log, feed, member } = await opened(5);
    const message = log.fill('a', 600);
    log.entries = [];
    feed.receive(message);
    await settle();
    feed.receive(log.add('a'));
    expect(member.told).toEqual([{ resync: { epoch: 'a', offset: 600 } }, 601]);
  });

  test('tries again while the inbox fails', async () => {
    const { log, feed, member } = await opened(5);
    log.failures = 3;
    feed.receive(log.fill('a', 7));
    await pause();
    await pause();
    expect(member.told).toEqual([6, 7]);
    expect(log.asked).toEqual(['head', 'head', 'head', 'head', [6, 7]]);
  });

  test.each([new TypeError('a fault'), new SyntaxError('a fault')])(
    'tells a fault of ours, and goes on with the next that comes: %s',
    async (fault) => {
      const { log, feed, faults, member } = await opened(5);
      log.failure = fault;
      log.failures = 1;
      feed.receive(log.fill('a', 7));
      await settle();
      expect([faults, member.told]).toEqual([[fault], []]);
      feed.receive(log.add('a'));
      await settle();
      expect([faults, member.told]).toEqual([[fault], [6, 7, 8]]);
      log.failures = 1;
      log.add('a');
      await expect(feed.refresh()).rejects.toBe(fault);
      feed.check(log.head);
      await settle();
      expect([faults, member.told]).toEqual([[fault], [6, 7, 8, 9]]);
    },
  );
});

describe('while it opens', () => {
  test('asks for the head only once the subscription is in force', async () => {
    const { passed, open } = gate();
    const { log, feed, enter } = feedOn(new FakeLog(), () => passed);
    const message = log.add('a');
    await settle();
    expect(log.asked).toEqual([]);
    open();
    await feed.opened;
    feed.receive(message);
    expect(enter('first')).toEqual({ cursor: { epoch: 'a', offset: 1 }, told: [] });
  });

  test('neither loses nor doubles what comes meanwhile', async () => {
    const log = new FakeLog();
    log.fill('a', 5);
    const release = hold(log);
    const { feed, enter } = feedOn(log);
    await settle();
    expect(log.asked).toEqual(['head']);
    feed.receive(log.add('a'));
    feed.receive(log.fill('a', 8));
    await release();
    await feed.opened;
    const member = enter('first');
    feed.receive(messageOf('a', 8));
    feed.receive(log.add('a'));
    expect(member).toEqual({ cursor: { epoch: 'a', offset: 8 }, told: [9] });
  });

  test('tries again while the inbox fails', async () => {
    const log = new FakeLog();
    log.failures = 3;
    const { feed, enter } = feedOn(log);
    log.fill('a', 2);
    await pause();
    await pause();
    await feed.opened;
    expect(enter('first').cursor).toEqual({ epoch: 'a', offset: 2 });
  });

  test('rejects with a fault of ours, which is no outage to wait for', async () => {
    const log = new FakeLog();
    log.failure = new SyntaxError('a fault');
    log.failures = 1;
    const { feed } = feedOn(log);
    await expect(feed.opened).rejects.toBe(log.failure);
  });
});

describe('close', () => {
  test('ends opening: whoever waits gets an error, and the log is asked no more', async () => {
    const log = new FakeLog();
    log.failures = Number.POSITIVE_INFINITY;
    const { feed } = feedOn(log);
    await settle();
    feed.close();
    await expect(feed.opened).rejects.toThrow('the feed is closed');
    const asked = log.asked.length;
    await pause();
    expect(log.asked).toHaveLength(asked);
  });

  test('ends catching up without an error, and nobody gets anything more', async () => {
    const { log, feed, member } = await opened(5);
    const release = hold(log);
    feed.receive(log.fill('a', 7));
    feed.close();
    await release();
    await pause();
    expect(member.told).toEqual([]);
    expect(log.asked).toEqual(['head']);
  });

  test('ends trying again while it catches up', async () => {
    const { log, feed, member } = await opened(5);
    log.failures = Number.POSITIVE_INFINITY;
    feed.receive(log.fill('a', 7));
    await settle();
    feed.close();
    log.failures = 0;
    const asked = log.asked.length;
    await pause();
    expect(log.asked).toHaveLength(asked);
    expect(member.told).toEqual([]);
  });

  test('ends what a current feed passes on', async () => {
    const { log, feed, member } = await opened(5);
    feed.close();
    feed.receive(log.add('a'));
    expect(member.told).toEqual([]);
  });

  // Something came while it opened, so that it catches up once more before it is at the head.
  test('ends opening also when that catches up', async () => {
    const log = new FakeLog();
    log.fill('a', 5);
    const first = gate();
    const second = gate();
    const gates = [first, second];
    log.delay = async () => gates.shift()?.passed;
    const { feed } = feedOn(log);
    await settle();
    feed.receive(log.add('a'));
    first.open();
    await settle();
    expect(log.asked).toEqual(['head', 'head']);
    feed.close();
    second.open();
    await expect(feed.opened).rejects.toThrow('the feed is closed');
  });
});
