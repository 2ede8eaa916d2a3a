/** The client's ordering: missed, then live, each once and in order, whatever the socket brings in whatever pieces. */
import { describe, expect, test } from 'vitest';
import { Ordering } from '../../../../src/clients/client/ordering.ts';
import type { Audience } from '../../../../src/contract/audience.ts';
import type { Cursor, Notification } from '../../../../src/contract/notification.ts';
import fc from '../../../support/fast-check.ts';

const NOW = Date.parse('2026-11-20T09:00:00Z');

function notification(offset: number, more: Partial<Notification> = {}): Notification {
  return {
    id: String(offset),
    source: '/test',
    type: 'test',
    time: '2026-11-20T09:00:00Z',
    audience: 'user:1',
    epoch: 'a',
    offset,
    severity: 'info',
    data: {},
    ...more,
  };
}

function setup(cursors: Readonly<Record<string, Cursor>> = {}) {
  const told: string[] = [];
  const ordering = new Ordering(
    {
      now: () => NOW,
      tell: ({ audience, id }, isMissed) => told.push(`${audience} ${id}${isMissed ? ' missed' : ''}`),
      onCopy: () => {},
      onMoved: () => {},
    },
    new Map(Object.entries(cursors)),
  );
  return { ordering, told, cursor: (audience = 'user:1') => ordering.cursors.get(audience) };
}

const missed = (epoch: string, head: number, notifications: Notification[], recovered = true) =>
  ({ epoch, head, recovered, notifications }) as const;

describe('live', () => {
  test('old ones are dropped, holes are accepted, and the cursor is the last one', () => {
    const { ordering, told, cursor } = setup({ 'user:1': { epoch: 'a', offset: 3 } });
    for (const offset of [2, 3, 4, 4, 7, 6, 8]) ordering.live(notification(offset));
    expect(told).toEqual(['user:1 4', 'user:1 7', 'user:1 8']);
    expect(cursor()).toEqual({ epoch: 'a', offset: 8 });
  });

  test('a log that goes on in another epoch goes on here', () => {
    const { ordering, told, cursor } = setup({ 'user:1': { epoch: 'a', offset: 3 } });
    ordering.live(notification(4, { epoch: 'b' }));
    expect(told).toEqual(['user:1 4']);
    expect(cursor()).toEqual({ epoch: 'b', offset: 4 });
  });

  test('an event that comes by two audiences is reported once, and both cursors move', () => {
    const { ordering, told, cursor } = setup();
    ordering.live(notification(1));
    ordering.live(notification(9, { id: '1', audience: 'global' }));
    ordering.live(notification(2, { id: '1', source: '/other' }));
    expect(told).toEqual(['user:1 1', 'user:1 1']);
    expect(cursor('global')).toEqual({ epoch: 'a', offset: 9 });
  });

  test('what has expired by the clock of the server is not reported', () => {
    const { ordering, told, cursor } = setup();
    ordering.live(notification(1, { expirytime: '2026-11-20T09:00:00Z' }));
    ordering.live(notification(2, { expirytime: '2026-11-20T09:00:01Z' }));
    expect(told).toEqual(['user:1 2']);
    expect(cursor()).toEqual({ epoch: 'a', offset: 2 });
  });
});

describe('recovery', () => {
  test('what was missed comes before what came live meanwhile', () => {
    const { ordering, told, cursor } = setup({ 'user:1': { epoch: 'a', offset: 1 } });
    ordering.hold('user:1');
    for (const offset of [4, 5]) ordering.live(notification(offset));
    expect(told).toEqual([]);
    ordering.recover(
      'user:1',
      { epoch: 'a', head: 4 },
      missed(
        'a',
        4,
        [2, 3, 4].map((n) => notification(n)),
      ),
    );
    expect(told).toEqual(['user:1 2 missed', 'user:1 3 missed', 'user:1 4 missed', 'user:1 5']);
    expect(cursor()).toEqual({ epoch: 'a', offset: 5 });
  });

  test('holds up no other audience', () => {
    const { ordering, told } = setup();
    ordering.hold('user:1');
    ordering.live(notification(1, { audience: 'global' }));
    expect(told).toEqual(['global 1']);
  });

  test('that did not succeed takes the head of the new log and reports that something may be lost', () => {
    const { ordering, told, cursor } = setup({ 'user:1': { epoch: 'a', offset: 50 } });
    ordering.hold('user:1');
    ordering.live(notification(8, { epoch: 'b' }));
    expect(ordering.recover('user:1', { epoch: 'b', head: 7 }, missed('b', 7, [], false))).toBe(true);
    expect(told).toEqual(['user:1 8']);
    expect(cursor()).toEqual({ epoch: 'b', offset: 8 });
  });

  test('without a cursor begins behind the head', () => {
    const { ordering, told } = setup();
    ordering.hold('user:1');
    expect(ordering.recover('user:1', { epoch: 'a', head: 7 })).toBe(false);
    for (const offset of [7, 8]) ordering.live(notification(offset));
    expect(told).toEqual(['user:1 8']);
  });

  test('is not applied any more when the log began anew before the answer', () => {
    const { ordering, told, cursor } = setup({ 'user:1': { epoch: 'a', offset: 50 } });
    ordering.hold('user:1');
    ordering.reset('user:1', { epoch: 'b', head: 2 });
    ordering.recover('user:1', { epoch: 'a', head: 51 }, missed('a', 51, [notification(51)]));
    ordering.live(notification(3, { epoch: 'b' }));
    expect(told).toEqual(['user:1 3']);
    expect(cursor()).toEqual({ epoch: 'b', offset: 3 });
  });

  test('does not tell what was missed and taken back', () => {
    const { ordering, told } = setup({ 'user:1': { epoch: 'a', offset: 0 } });
    ordering.hold('user:1');
    const retraction = notification(3, { id: 'r', type: 'carillon.retract', data: { id: '1' } });
    ordering.recover(
      'user:1',
      { epoch: 'a', head: 3 },
      missed('a', 3, [notification(1), notification(2), retraction]),
    );
    expect(told).toEqual(['user:1 2 missed', 'user:1 r missed']);
  });
});

test('a copy of what was taken back is not reported when another audience brings it later', () => {
  const { ordering, told } = setup();
  ordering.live(notification(1, { id: 'r', type: 'carillon.retract', data: { id: 'x', source: '/other' } }));
  ordering.live(notification(1, { id: 'x', source: '/other', audience: 'global' }));
  expect(told).toEqual(['user:1 r']);
});

/**
 * A made-up server: logs that grow, a client that loses its connection anywhere, and messages that come again. Some
 * events are in both logs.
 */
test('everything is reported once and in order, however often the connection is lost', () => {
  const audiences: readonly Audience[] = ['user:1', 'global'];
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('publish' as const),
        to: fc.subarray([0, 1], { minLength: 1 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('lose' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('ask' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('answer' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), back: fc.nat(5) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { ordering, told } = setup({
        'user:1': { epoch: 'a', offset: 0 },
        global: { epoch: 'a', offset: 0 },
      });
      const logs = new Map<Audience, Notification[]>(audiences.map((audience) => [audience, []]));
      const all: string[] = [];
      let isConnected = false;
      let answers: (() => void)[] = [];
      const ask = () => {
        isConnected = true;
        for (const audience of audiences) ordering.hold(audience);
        const cursors = new Map(ordering.cursors);
        answers = audiences.map((audience) => {
          const log = logs.get(audience) ?? [];
          const after = log.slice(cursors.get(audience)?.offset ?? 0);
          return () =>
            ordering.recover(audience, { epoch: 'a', head: log.length }, missed('a', log.length, after));
        });
      };
      const act = (now: (typeof steps)[number]) => {
        if (now.do === 'publish') {
          const id = `e${all.length}`;
          all.push(id);
          for (const to of now.to) {
            const audience = audiences[to] ?? 'global';
            const log = logs.get(audience) ?? [];
            const published = notification(log.length + 1, { id, audience });
            logs.set(audience, [...log, published]);
            if (isConnected) ordering.live(published);
          }
        } else if (now.do === 'lose') {
          isConnected = false;
          answers = [];
          ordering.dropHeld();
        } else if (now.do === 'ask' && answers.length === 0) {
          ask();
        } else if (now.do === 'answer') {
          answers.shift()?.();
        } else if (now.do === 'repeat' && isConnected) {
          const again = logs.get('user:1')?.at(-1 - now.back);
          if (again !== undefined) ordering.live(again);
        }
      };
      for (const now of steps) act(now);
      act({ do: 'lose' });
      act({ do: 'ask' });
      while (answers.length > 0) act({ do: 'answer' });
      const ids = told.map((text) => text.split(' ')[1] ?? '');
      expect(ids.toSorted()).toEqual(all.toSorted());
      for (const audience of audiences) {
        const own = told.flatMap((text) =>
          text.startsWith(audience) ? [Number(text.split(' ')[1]?.slice(1))] : [],
        );
        expect(own).toEqual(own.toSorted((a, b) => a - b));
      }
    }),
  );
});
