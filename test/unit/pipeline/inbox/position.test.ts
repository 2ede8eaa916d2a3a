/** The `next` of a page: as short as requests may be, whatever is called what, and read back as it was meant. */
import { describe, expect, test } from 'vitest';
import type { Audience } from '../../../../src/contract/audience.ts';
import { digestOf, formatPosition, parsePosition } from '../../../../src/pipeline/inbox/position.ts';

/** What `before` may have in a request of the smallest of the usual limits. */
const MAX_CHARACTERS = 2_048;

const named = (count: number, length: number) =>
  Array.from({ length: count }, (_, i): Audience => `department:${String(i).padStart(length, 'd')}`);
const shown = Array.from({ length: 20 }, (_, i) => digestOf(`/source ${i}`));

describe.each([
  ['a few', named(3, 4)],
  ['as many as a user may have, with the longest names', named(102, 128)],
] as const)('of %s', (_name, audiences) => {
  const offsets = Object.fromEntries(
    audiences.map((audience, i) => [audience, i === 1 ? 0 : Number.MAX_SAFE_INTEGER - i]),
  );

  test('is short, and read back', () => {
    const text = formatPosition({ offsets, shown });
    expect(text.length).toBeLessThanOrEqual(MAX_CHARACTERS);
    expect(text).toMatch(/^[\w-]+$/);
    const { [audiences[1] ?? '']: _none, ...left } = offsets;
    const read = parsePosition(text, audiences);
    expect(read?.shown).toEqual(shown);
    expect({ ...read?.offsets, [audiences[1] ?? '']: 0 }).toEqual({ ...left, [audiences[1] ?? '']: 0 });
  });
});

test('of an earlier version is read, and one of few audiences is read by an earlier version', () => {
  const old = { offsets: { 'user:ada': 7, global: 0 }, shown: ['/source 1'] };
  const text = Buffer.from(JSON.stringify(old)).toString('base64url');
  expect(parsePosition(text, ['user:ada', 'global'])).toEqual({
    offsets: old.offsets,
    shown: [digestOf('/source 1')],
  });
  const written = formatPosition({ offsets: old.offsets, shown });
  expect(JSON.parse(Buffer.from(written, 'base64url').toString())).toMatchObject({
    offsets: { 'user:ada': 7 },
    shown: [],
  });
});

test.for(['', '1', '1AA', '1_w', '1AAAAAAAA', 'e30', 'x', '1AP________________'])('refuses %j', (text) => {
  expect(parsePosition(text, ['global'])?.offsets.global ?? 0).toBe(0);
});
