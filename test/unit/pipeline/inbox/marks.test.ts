/** A user's marks over one log: what each mark does, and what stays when the log moves on or begins anew. */
import { describe, expect, test } from 'vitest';
import { parseIncarnations } from '../../../../src/pipeline/inbox/incarnations.ts';
import {
  applyMark,
  formatMarks,
  type LogMarks,
  NO_MARKS,
  parseMarks,
  rebased,
  trimmed,
} from '../../../../src/pipeline/inbox/marks.ts';
import { difference, NO_RANGES, parseRanges, type Ranges } from '../../../../src/pipeline/inbox/ranges.ts';
import fc from '../../../support/fast-check.ts';

const MARKS = ['seen', 'read', 'unread', 'archived'] as const;

const anyRanges: fc.Arbitrary<Ranges> = fc
  .uniqueArray(fc.integer({ min: 1, max: 30 }))
  .map((offsets) => parseRanges(offsets.join(',')));

const anyMarks: fc.Arbitrary<LogMarks> = fc.record({
  epoch: fc.stringMatching(/^[0-9a-f]{8}$/),
  since: fc.nat(),
  seen: anyRanges,
  read: anyRanges,
  archived: anyRanges,
});

/** Marks with ranges given as text. */
function marks(seen: string, read = '', archived = '', rest: Partial<LogMarks> = {}): LogMarks {
  const [seenRanges, readRanges, archivedRanges] = [
    parseRanges(seen),
    parseRanges(read),
    parseRanges(archived),
  ];
  return { ...NO_MARKS, epoch: 'a', seen: seenRanges, read: readRanges, archived: archivedRanges, ...rest };
}

describe('a mark', () => {
  const before = marks('1-6', '1-4', '1-2');

  test.for<[(typeof MARKS)[number], string, LogMarks]>([
    ['seen', '6-8', marks('1-8', '1-4', '1-2')],
    ['read', '6-8', marks('1-8', '1-4,6-8', '1-2')],
    ['archived', '6-8', marks('1-8', '1-4,6-8', '1-2,6-8')],
    ['unread', '3,9', marks('1-6', '1-2,4', '1-2')],
  ])('%s of %s', ([as, offsets, after]) => {
    expect(applyMark(before, as, parseRanges(offsets))).toEqual(after);
    expect(before).toEqual(marks('1-6', '1-4', '1-2'));
  });

  test('keeps the epoch and since when the user belongs there', () => {
    const at = { epoch: 'b', since: 3 };
    for (const mark of MARKS) expect(applyMark({ ...before, ...at }, mark, [[5, 6]])).toMatchObject(at);
  });

  test('whatever was marked before: what is read is seen, and the last mark holds', () => {
    const anyStep = fc.tuple(fc.constantFrom(...MARKS), anyRanges);
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 1, maxLength: 10 }), (steps) => {
        const after = steps.reduce((all, [as, offsets]) => applyMark(all, as, offsets), NO_MARKS);
        expect(difference(after.read, after.seen)).toEqual([]);
        const [as, offsets] = steps.at(-1) ?? ['seen', NO_RANGES];
        if (as === 'unread') expect(difference(after.read, offsets)).toEqual(after.read);
        else expect(difference(offsets, after[as])).toEqual([]);
      }),
    );
  });
});

describe('trimmed', () => {
  test('drops the marks of entries that the log does not hold', () => {
    expect(trimmed(marks('1-10,12', '4-6', '1-4,8'), 5)).toEqual(marks('5-10,12', '5-6', '8'));
  });

  test.for([-5, 0, 1])('keeps everything while the log is not full: first kept is %i', (firstKept) => {
    expect(trimmed(marks('1-10', '1', '1'), firstKept)).toEqual(marks('1-10', '1', '1'));
  });
});

describe('rebased', () => {
  const old = marks('1-20', '3,15', '2-15', { since: 2 });
  const inEpoch = (epoch: string, ranges: [string, string, string], since = 2) =>
    marks(...ranges, { epoch, since });

  test.for<[string, string, LogMarks]>([
    ['without a loss all stay', 'b:21,a:1', inEpoch('b', ['1-20', '3,15', '2-15'])],
    ['those of lost offsets go', 'b:10,a:1', inEpoch('b', ['1-9', '3', '2-9'])],
    ['the first loss after them counts', 'c:18,b:10,a:1', inEpoch('c', ['1-9', '3', '2-9'])],
    ['losses before them do not', 'c:21,a:8,0a:1', inEpoch('c', ['1-20', '3,15', '2-15'])],
    ['an epoch that nobody knows any more says nothing', 'c:18,b:10', inEpoch('c', ['', '', ''])],
    ['everything was lost', 'b:1', inEpoch('b', ['', '', ''], 0)],
    ['what the user has not belonged to yet was lost as well', 'b:2,a:1', inEpoch('b', ['1', '', ''], 1)],
  ])('%s: %s', ([, epochs, after]) => {
    expect(rebased(old, after.epoch, parseIncarnations(epochs))).toEqual(after);
  });

  test('in the same epoch nothing changes', () => {
    expect(rebased(old, 'a', [])).toEqual(old);
  });

  test('who came before anything was written sees it all', () => {
    expect(rebased(NO_MARKS, 'a', parseIncarnations('a:1'))).toEqual({ ...NO_MARKS, epoch: 'a' });
  });
});

describe('as text', () => {
  test('formatted and parsed they are the same', () => {
    fc.assert(
      fc.property(anyMarks, (all) => {
        expect(parseMarks(formatMarks(all))).toEqual(all);
      }),
    );
  });

  test('is what other versions read, and what they wrote is read', () => {
    const all = marks('1-17,19', '1-3', '2', { since: 1 });
    expect(formatMarks(all)).toBe('a;1;;1-17,19;1-3;2');
    expect(parseMarks('a;1;1700000000000;1-17,19;1-3;2')).toEqual(all);
  });
});
