/**
 * Hostile handshakes: connections without a token, never finished, or against every rule of Engine.IO. They end, the
 * witness, who is connected all the time, misses nothing, and the server lives.
 */
import { deflateRawSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import fc from '../../../support/fast-check.ts';
import { countInputs } from '../../../support/hostile.ts';
import { anySent } from '../../../support/hostile-packets.ts';
import { exchange } from '../../../support/raw-http.ts';
import { openRawSocket, openSession } from '../../../support/raw-socket.ts';
import { MAX_MESSAGE_BYTES, Witnessed } from '../../../support/witness.ts';

const tried = countInputs();
let attacked: Witnessed;

beforeAll(async () => {
  attacked = await Witnessed.start();
});
afterEach(() => attacked.stillHears());
afterAll(() => attacked.stop());

describe('handshakes', () => {
  test('2,000 without a token', async () => {
    let refused = 0;
    let begun = 0;
    const strangers = Array.from({ length: 40 }, async () => {
      for (; begun < 2_000; ) {
        begun += 1;
        tried();
        const socket = await openRawSocket(attacked.url);
        socket.send('40');
        if (await socket.heard('44{"message":"unauthorized"')) refused += 1;
        socket.close();
      }
    });
    await Promise.all(strangers);
    expect(refused).toBe(2_000);
    expect(await attacked.connected()).toBe(1);
  }, 120_000);

  test('that are begun and never finished are ended', async () => {
    const silent = await Promise.all(Array.from({ length: 100 }, () => openRawSocket(attacked.url)));
    const refused = await Promise.all(Array.from({ length: 50 }, () => openRawSocket(attacked.url)));
    for (const socket of refused) socket.send('40{"token":"x.y.z"}');
    tried(150);
    await Promise.all([...silent, ...refused].map((socket) => socket.closed()));
  });

  test('of Engine.IO, all wrong', async () => {
    const anyQuery = fc.dictionary(
      fc.constantFrom('EIO', 'transport', 'sid', 'j', 't', 'b64', '__proto__', 'upgrade'),
      fc.oneof(
        fc.constantFrom(
          '3',
          '4',
          '99',
          '-1',
          'polling',
          'websocket',
          'webtransport',
          'flashsocket',
          'toString',
        ),
        fc.constantFrom(
          '__proto__',
          'constructor',
          'hasOwnProperty',
          '',
          '%00',
          '../../../',
          'x'.repeat(5_000),
        ),
      ),
    );
    const anyMethod = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD');
    await fc.assert(
      fc.asyncProperty(anyMethod, anyQuery, fc.boolean(), async (method, query, isRight) => {
        tried();
        const given = new URLSearchParams({
          ...(isRight ? { EIO: '4', transport: 'polling' } : {}),
          ...query,
        });
        const body = method === 'POST' || method === 'PUT' ? { body: '4'.repeat(100) } : {};
        const response = await fetch(`${attacked.url}/socket.io/?${given}`, { method, ...body });
        expect(response.status).toBeLessThan(500);
        await response.arrayBuffer();
      }),
      { numRuns: 300 },
    );
  });

  test.for(['PUT', 'DELETE', 'PATCH', 'HEAD'])('%s within a session that polls', async (method) => {
    tried(2);
    const polling = `${attacked.url}/socket.io/?EIO=4&transport=polling`;
    const handshake = await (await fetch(polling)).text();
    const { sid }: { sid: string } = JSON.parse(handshake.slice(1));
    const body = method === 'PUT' || method === 'PATCH' ? { body: '4'.repeat(100) } : {};
    const refused = await fetch(`${polling}&sid=${sid}`, { method, ...body });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, POST']);
    const head = `${method} /socket.io/?EIO=4&transport=websocket&sid=${sid} HTTP/1.1\r\nhost: 127.0.0.1\r\n`;
    const upgrade = `${head}connection: upgrade\r\nupgrade: websocket\r\n\r\n`;
    const { answers } = await exchange(attacked.url, [{ method, pieces: [upgrade] }]);
    expect(answers).toMatchObject([{ status: 405 }]);
    // The session has not suffered: it can still be joined and closed.
    const packets = `40${JSON.stringify({ token: attacked.token })}\u001e1`;
    expect((await fetch(`${polling}&sid=${sid}`, { method: 'POST', body: packets })).status).toBe(200);
  });

  test('of clients that poll, with payloads of every kind', async () => {
    const anyPayload = fc.array(fc.oneof(anySent, fc.constantFrom('40{}', '1', 'b', 'bAAA=', '\u001e')));
    await fc.assert(
      fc.asyncProperty(anyPayload, fc.boolean(), async (packets, isTwice) => {
        tried(packets.length);
        const polling = `${attacked.url}/socket.io/?EIO=4&transport=polling`;
        const handshake = await (await fetch(polling)).text();
        const { sid }: { sid: string } = JSON.parse(handshake.slice(1));
        const body = packets.join('\u001e');
        const post = () => fetch(`${polling}&sid=${sid}`, { method: 'POST', body });
        const answers = await Promise.all(isTwice ? [post(), post()] : [post()]);
        for (const { status } of answers) expect(status).toBeLessThan(500);
      }),
      { numRuns: 150 },
    );
  });

  test('a compressed message that grows without end closes its connection', async () => {
    tried();
    const socket = await openSession(attacked.url, attacked.token);
    const bomb = `42["ping","${'x'.repeat(20_000_000)}"]`;
    expect(deflateRawSync(bomb).length).toBeLessThan(MAX_MESSAGE_BYTES);
    socket.send(bomb);
    await socket.closed();
  });
});

test('after all this the server is as it was', async () => {
  await attacked.isAsItWas();
});
