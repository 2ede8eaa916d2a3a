/** What a client is told of a request that failed: an outage and a fault of ours are never taken for each other. */
import pino from 'pino';
import { expect, test } from 'vitest';
import { answerFailure } from '../../../../src/edge/gateway/answers.ts';
import { InboxUnavailable } from '../../../../src/resilience/unavailable.ts';

function answered(error: unknown) {
  let line = '';
  const log = pino({ base: null, timestamp: false }, { write: (text: string) => (line = text) });
  const { error: answer } = answerFailure(log, error, { session: 's', request: 'inbox' });
  return { code: answer.code, line: JSON.parse(line) };
}

test('Redis that is away is said to be, without a stack', () => {
  const { code, line } = answered(new InboxUnavailable('Connection is closed.'));
  expect(code).toBe('unavailable');
  expect(line).toMatchObject({ level: 40, session: 's', reason: 'Error: Connection is closed.' });
  expect(line).not.toHaveProperty('stack');
});

test.each([new TypeError('Connection is closed.'), new Error('a fault')])(
  '%s is internal, with its stack',
  (error) => {
    const { code, line } = answered(error);
    expect(code).toBe('internal');
    expect(line).toMatchObject({ level: 50, code: 'internal', request: 'inbox', stack: error.stack });
  },
);
