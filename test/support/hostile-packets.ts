/** Socket.IO packets from a hostile client: partly correct, seldom as a whole. */
import { requests } from '../../src/contract/socket.ts';
import fc from './fast-check.ts';
import { hostileJson, weighted } from './hostile.ts';

const digits = fc.constantFrom('', '0', '1', '7', '-1', '1e3', '9'.repeat(30), '٣');
const eventNames = [
  ...Object.keys(requests),
  'session',
  'notification',
  'error',
  'disconnect',
  'disconnecting',
];
const oddNames = [
  'connect',
  'newListener',
  'removeListener',
  '__proto__',
  'constructor',
  '',
  'x'.repeat(5_000),
];
const placeholder = fc.constantFrom(0, -1, 1, 99, 1e9, '0', null).map((num) => ({ _placeholder: true, num }));

const anyName = weighted<string>(
  [6, fc.constantFrom(...eventNames, ...oddNames).map((name) => JSON.stringify(name))],
  [1, hostileJson],
);
const anyArgument = weighted<string>(
  [3, hostileJson],
  [1, placeholder.map((value) => JSON.stringify(value))],
);
const anyPayload = weighted<string>(
  [6, fc.tuple(anyName, fc.array(anyArgument, { maxLength: 3 })).map(([name, all]) => `[${[name, ...all]}]`)],
  [1, hostileJson],
  [1, fc.constantFrom('', '[', '[]', '{}', '["ping"', '["ping"]x', '\u0000')],
);
const anyPacket = fc
  .record({
    engine: weighted(
      [12, fc.constant('4')],
      [1, fc.constantFrom('0', '1', '2', '2probe', '3', '5', '6', 'b', '9', '')],
    ),
    type: weighted([6, fc.constant('2')], [4, fc.constantFrom('0', '1', '3', '4', '5', '6', '7', 'x', '')]),
    attachments: weighted([6, fc.constant('')], [1, digits.map((count) => `${count}-`)]),
    namespace: weighted(
      [8, fc.constant('')],
      [1, fc.constantFrom('/,', '/admin,', '/__proto__,', '/', '//?a=b,')],
    ),
    id: digits,
    payload: anyPayload,
  })
  .map(
    ({ engine, type, attachments, namespace, id, payload }) =>
      `${engine}${type}${attachments}${namespace}${id}${payload}`,
  );
/** One message from a hostile client. */
export const anySent = weighted<string | Uint8Array>(
  [6, anyPacket],
  [1, fc.string({ unit: 'binary', maxLength: 40 })],
  [1, fc.uint8Array({ maxLength: 40 })],
);
