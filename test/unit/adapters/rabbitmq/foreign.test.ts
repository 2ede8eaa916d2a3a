/** What RabbitMQ answers when it is asked whether a queue is a stream. A stream that it cannot serve now is one all the same. */
import { expect, test } from 'vitest';
import { isWithoutReplica } from '../../../../src/adapters/rabbitmq/foreign.ts';

test.for([
  ["stream queue 'late.stream' in vhost '/' does not have a running replica on the local node", true],
  ["queue 'late.stream' in vhost '/' does not a have a replica on the local node", true],
  ["invalid arg 'x-stream-offset' for queue 'q' in vhost '/' of queue type rabbit_classic_queue", false],
  ["invalid arg 'x-stream-offset' for queue 'q' in vhost '/' of queue type rabbit_quorum_queue", false],
] as const)('%s: %s', ([text, isStream]) => {
  const error = new Error(`Operation failed: BasicConsume; 406 (PRECONDITION-FAILED) with message "${text}"`);
  expect(isWithoutReplica(error)).toBe(isStream);
});
