/** The incarnations of a log tell exactly up to where it still holds what it held. */
import { describe, expect, test } from 'vitest';
import {
  holdsPlace,
  type Incarnation,
  lastKept,
  parseIncarnations,
} from '../../../../src/pipeline/inbox/incarnations.ts';
import fc from '../../../support/fast-check.ts';

describe('as text', () => {
  test.for<[string, Incarnation[]]>([
    ['', []],
    ['a:1', [{ epoch: 'a', firstOffset: 1 }]],
    [
      'b2:16,a1:1',
      [
        { epoch: 'b2', firstOffset: 16 },
        { epoch: 'a1', firstOffset: 1 },
      ],
    ],
  ])('"%s"', ([text, incarnations]) => {
    expect(parseIncarnations(text)).toEqual(incarnations);
  });

  test.for(['b:16,a', 'b:16,a:', 'b:16,'])('"%s": what was cut off at the old end is passed over', (text) => {
    expect(parseIncarnations(text)).toEqual([{ epoch: 'b', firstOffset: 16 }]);
  });
});

describe('a place', () => {
  const known = parseIncarnations('c:30,b:16,a:1');

  test.for<[string, { epoch: string; offset: number }, number]>([
    ['of the present epoch', { epoch: 'c', offset: 99 }, 99],
    ['of an earlier one, before the next', { epoch: 'b', offset: 29 }, 29],
    ['of an earlier one, in what was lost', { epoch: 'b', offset: 30 }, 29],
    ['of the first one, far behind', { epoch: 'a', offset: 40 }, 15],
    ['of one that is not known', { epoch: 'd', offset: 7 }, 0],
    ['before anything', { epoch: 'd', offset: 0 }, 0],
  ])('%s', ([, place, kept]) => {
    expect(lastKept(known, place)).toBe(kept);
    expect(holdsPlace(known, place)).toBe(kept === place.offset);
  });
});

test('a place is lost when any later epoch began before it', () => {
  const begunAnew = parseIncarnations('c:1,b:3,a:1');
  expect(lastKept(begunAnew, { epoch: 'a', offset: 2 })).toBe(0);
  expect(lastKept(begunAnew, { epoch: 'b', offset: 3 })).toBe(0);
});

describe('a log that loses writes', () => {
  interface State {
    readonly entries: readonly string[];
    readonly incarnations: readonly Incarnation[];
  }

  /** As append.lua does it: the record is part of what may be lost. */
  function append({ entries, incarnations }: State, epoch: string, content: string): State {
    const isNew = incarnations[0]?.epoch !== epoch;
    const began = { epoch, firstOffset: entries.length + 1 };
    return { entries: [...entries, content], incarnations: isNew ? [began, ...incarnations] : incarnations };
  }

  const sharedLength = (a: readonly string[], b: readonly string[]) => {
    const parted = a.findIndex((entry, i) => entry !== b[i]);
    return parted === -1 ? a.length : parted;
  };

  /** Appends in one epoch, and how many states before it the log then falls back. */
  const anyLife = fc.array(
    fc.record({ appends: fc.integer({ min: 1, max: 5 }), lost: fc.integer({ min: 0, max: 8 }) }),
    { minLength: 1, maxLength: 6 },
  );

  test('keeps of each place that it knows just what it shared, and claims nothing of others', () => {
    fc.assert(
      fc.property(anyLife, (life) => {
        let written: State[] = [{ entries: [], incarnations: [] }];
        const given: { readonly place: { epoch: string; offset: number }; readonly state: State }[] = [];
        const last = () => written.at(-1) ?? { entries: [], incarnations: [] };
        for (const [epochNumber, { appends, lost }] of life.entries()) {
          const epoch = epochNumber.toString(16);
          for (let i = 0; i < appends; i += 1) {
            const state = append(last(), `e${epoch}`, `entry ${given.length}`);
            written.push(state);
            given.push({ place: { epoch: `e${epoch}`, offset: state.entries.length }, state });
          }
          written = written.slice(0, Math.max(1, written.length - lost));
        }
        const end = append(last(), 'end', 'the last');
        for (const { place, state } of given) {
          const shared = sharedLength(state.entries, end.entries);
          const isKnown = end.incarnations.some(({ epoch }) => epoch === place.epoch);
          expect(lastKept(end.incarnations, place)).toBe(isKnown ? shared : 0);
          expect(holdsPlace(end.incarnations, place)).toBe(isKnown && shared === place.offset);
        }
      }),
    );
  });
});
