/** The defaults fit each other: no limit is out of reach behind another, and what is at its most gets through. */
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/config/config.ts';
import { limitsThatDoNotFit } from '../../../src/config/limits.ts';
import { readMessage } from '../../../src/pipeline/ingest/message.ts';
import { audiencesOf } from '../../../src/pipeline/routing/route.ts';
import { madeEvent } from '../../support/producer.ts';

const config = readConfig({});

test('no pair of the defaults contradicts itself', () => {
  expect(limitsThatDoNotFit(config)).toEqual([]);
});

test('an event that names as many audiences as may be is no larger than may be', () => {
  const audience = Array.from({ length: config.EVENT_MAX_AUDIENCES }, (_, i) => `user:${10_000_000_000 + i}`);
  const body = Buffer.from(
    JSON.stringify(madeEvent('wide', { audience, data: { title: 'x'.repeat(16_384) } })),
  );
  const read = readMessage(body, { contentType: undefined, headers: {} }, config.EVENT_MAX_BYTES);
  if (!read.ok) expect.fail(read.refusal.message);
  const mapped = audiencesOf(read.value.event, [], config.EVENT_MAX_AUDIENCES);
  expect(mapped.ok && mapped.value.length).toBe(config.EVENT_MAX_AUDIENCES);
});

test.for<[string, Record<string, string>]>([
  ['EVENT_MAX_AUDIENCES', { EVENT_MAX_BYTES: '65536' }],
  ['EVENT_MAX_BYTES', { EVENT_MAX_BYTES: '1000000' }],
  ['PENDING_MAX_BYTES', { PENDING_MAX_BYTES: '4194304', PENDING_TOTAL_MAX_BYTES: '2097152' }],
  ['ANSWER_MAX_BYTES', { ANSWER_MAX_BYTES: '1048576' }],
  ['SYNC_LIMIT', { SYNC_LIMIT: '2000' }],
  ['UNREACHED_AFTER', { UNREACHED_AFTER: '7200', INBOX_MAX_AGE: '3600' }],
  ['CLIENT_MESSAGES_PER_SECOND', { CLIENT_MESSAGES_PER_SECOND: '30' }],
  ['DRAIN_SECONDS', { DRAIN_SECONDS: '10' }],
])('%s: told by its name', ([name, environment]) => {
  expect(limitsThatDoNotFit(readConfig(environment)).map((text) => text.split(' ')[0])).toContain(name);
});
