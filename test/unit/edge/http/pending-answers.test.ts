/** Answers over HTTP that wait for who asked: bounded together, and the oldest gives way. */
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { PendingAnswers } from '../../../../src/edge/http/pending-answers.ts';

class Response extends EventEmitter {
  isCut = false;

  destroy(): this {
    this.isCut = true;
    return this;
  }
}

const MAX_BYTES = 64 * 10;

test('the one that has been on its way for longest is cut off when another needs room', () => {
  const answers = new PendingAnswers(10);
  const responses = Array.from({ length: 70 }, () => new Response());
  for (const response of responses) {
    answers.add(response, 10);
    expect(answers.bytes).toBeLessThanOrEqual(MAX_BYTES);
  }
  expect(responses.map(({ isCut }) => isCut)).toEqual(responses.map((_, i) => i < 6));
});

test('what was taken counts no more', () => {
  const answers = new PendingAnswers(10);
  const responses = Array.from({ length: 64 }, () => new Response());
  for (const response of responses) answers.add(response, 10);
  for (const response of responses) response.emit('close');
  expect(answers.bytes).toBe(0);
  const late = new Response();
  answers.add(late, MAX_BYTES);
  expect([late, ...responses].some(({ isCut }) => isCut)).toBe(false);
});

test('one that is larger than all may be is not cut off for that', () => {
  const answers = new PendingAnswers(10);
  const [first, large] = [new Response(), new Response()];
  answers.add(first, 10);
  answers.add(large, 2 * MAX_BYTES);
  expect([first.isCut, large.isCut]).toEqual([true, false]);
});
