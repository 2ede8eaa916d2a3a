/**
 * Hostile sockets: packets and attachments that no honest client sends. Each ends with an answer or with that one
 * connection closed; the witness, who is connected all the time, misses nothing; and the server lives.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { requestErrorCodes, requests } from '../../../../src/contract/socket.ts';
import { connectClient } from '../../../support/client.ts';
import fc from '../../../support/fast-check.ts';
import { countInputs, hostileValue, weighted } from '../../../support/hostile.ts';
import { anySent } from '../../../support/hostile-packets.ts';
import { openRawSocket, openSession, type RawSocket } from '../../../support/raw-socket.ts';
import { until } from '../../../support/until.ts';
import { MAX_MESSAGE_BYTES, Witnessed } from '../../../support/witness.ts';

const tried = countInputs();
let attacked: Witnessed;

beforeAll(async () => {
  attacked = await Witnessed.start();
});
afterEach(() => attacked.stillHears());
afterAll(() => attacked.stop());

const [PING, PONG] = ['42777["ping",{"seq":777}]', '43777[{"seq":777'];

/** Either the connection is closed or it answers the next packet as if nothing had been. */
async function expectAnswerOrEnd(socket: RawSocket, packet = PING, answer = PONG): Promise<void> {
  socket.send(packet);
  await socket.heard(answer);
  expect(socket.received.join('\n')).not.toMatch(/node_modules|TypeError|RangeError/);
}

describe('packets', () => {
  test.for(['with a session', 'before one'])('of every kind, %s', async (when) => {
    await fc.assert(
      fc.asyncProperty(fc.array(anySent, { minLength: 1, maxLength: 8 }), async (packets) => {
        tried(packets.length);
        if (when === 'with a session') {
          const socket = await openSession(attacked.url, attacked.token);
          socket.send(...packets);
          await expectAnswerOrEnd(socket);
          socket.close();
        } else {
          const socket = await openRawSocket(attacked.url);
          socket.send(...packets);
          await expectAnswerOrEnd(socket, '40/nowhere,', '44/nowhere');
          socket.close();
        }
      }),
      { numRuns: 200 },
    );
  });

  test('requests with bodies of every shape are answered with a result or a code', async () => {
    const client = connectClient(attacked.url, attacked.token);
    await client.session();
    const fields = [
      'cursors',
      'topic',
      'cursor',
      'filter',
      'before',
      'limit',
      'as',
      'ids',
      'upTo',
      'all',
      'token',
    ];
    const inner = fc.dictionary(
      fc.constantFrom('user:eve', 'global', 'epoch', 'offset', '__proto__'),
      hostileValue,
    );
    const sensible = fc.constantFrom<unknown>('read', 't.x', 'eve', true, 1, ['a'], { 'user:eve': 0 });
    const anyField = weighted<unknown>([3, hostileValue], [2, inner], [2, sensible]);
    const anyBody = weighted<unknown>(
      [5, fc.dictionary(fc.constantFrom(...fields, 'seq', '__proto__'), anyField, { maxKeys: 4 })],
      [1, hostileValue],
      [1, fc.constant(Buffer.from('bytes'))],
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(requests), 'nonsense'), anyBody, async (name, body) => {
        tried();
        const answer = await client.ask(name, body);
        const isError = typeof answer === 'object' && answer !== null && 'error' in answer;
        const codes = Object.keys(requestErrorCodes).filter((code) => code !== 'unavailable');
        if (isError)
          expect(answer.error).toMatchObject({ code: expect.toBeOneOf(codes), message: expect.any(String) });
        else expect(answer).toBeTypeOf('object');
      }),
      { numRuns: 600 },
    );
    // Nobody who asked badly was sent away for it.
    expect(client.socket.connected).toBe(true);
    client.close();
  });

  test.for<[string, (string | Uint8Array)[], 'answered' | 'closed']>([
    ['the name of a Node event that throws', ['42["error",{"message":"x"}]'], 'answered'],
    ['an event without a name', ['42[]'], 'closed'],
    ['no payload', ['42'], 'answered'],
    ['a number for a name', ['421[7,{}]'], 'answered'],
    ['the acknowledgement of nothing', ['43999[{}]', '43["x"]'], 'answered'],
    ['an attachment that never comes', ['451-["ping",{"_placeholder":true,"num":0}]'], 'closed'],
    ['an attachment that nobody announced', [Buffer.from('x')], 'closed'],
    ['more attachments than allowed', [`4511-["ping"]`], 'closed'],
    ['attachments without end', [`45${'9'.repeat(400)}-["ping"]`], 'closed'],
    [
      'an attachment in a place that is not there',
      ['451-["ping",{"_placeholder":true,"num":7}]', Buffer.from('x')],
      'closed',
    ],
    [
      'many large attachments',
      ['4510-["ping",{}]', ...Array(10).fill(Buffer.alloc(MAX_MESSAGE_BYTES))],
      'answered',
    ],
    ['a message that is too large', ['4', `42["ping","${'x'.repeat(MAX_MESSAGE_BYTES)}"]`], 'closed'],
    ['a second CONNECT', ['40{}'], 'closed'],
    ['JSON that is deep', [`421["sync",${'['.repeat(30_000)}${']'.repeat(30_000)}]`], 'answered'],
    [
      '30,000 cursors',
      [`421["sync",{"cursors":{${Array.from({ length: 3_000 }, (_, i) => `"user:${i}":1`)}}}]`],
      'answered',
    ],
  ])('%s', async ([, packets, end]) => {
    tried();
    const socket = await openSession(attacked.url, attacked.token);
    socket.send(...packets);
    await expectAnswerOrEnd(socket);
    expect(socket.isClosed ? 'closed' : 'answered').toBe(end);
    socket.close();
  });
});

describe('namespaces and sessions', () => {
  test('namespaces that are not there are refused, however many', async () => {
    const socket = await openSession(attacked.url, attacked.token);
    for (let i = 0; i < 500; i += 1) socket.send(`40/${i}${'x'.repeat(i)},{}`);
    tried(500);
    await socket.heard('44/499');
    await expectAnswerOrEnd(socket);
    expect(socket.isClosed).toBe(false);
    socket.close();
  });

  test('a socket that leaves and comes back on its connection', async () => {
    const socket = await openSession(attacked.url, attacked.token);
    for (let i = 0; i < 40; i += 1) {
      tried();
      socket.send('41');
      await until('the socket to leave', 20_000, async () => (await attacked.connected()) === 1);
      socket.send(`40${JSON.stringify({ token: attacked.token })}`);
      const sessions = () => socket.received.filter((packet) => packet.startsWith('42["session"')).length;
      await until('another session', 20_000, () => sessions() === i + 2);
    }
    socket.close();
  });

  test('a connection that its socket has left is ended', async () => {
    tried();
    const socket = await openSession(attacked.url, attacked.token);
    socket.send('41');
    await socket.closed();
  });

  test('a hundred CONNECTs at once leave nothing behind', async () => {
    const socket = await openRawSocket(attacked.url);
    socket.send(...Array<string>(100).fill(`40${JSON.stringify({ token: attacked.token })}`));
    tried(100);
    await socket.heard('42["session"');
    socket.close();
    await until('nobody but the witness', 20_000, async () => (await attacked.connected()) === 1);
  });
});

test('after all this the server is as it was', async () => {
  await attacked.isAsItWas();
});
