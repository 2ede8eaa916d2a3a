/** A message that is larger than a client may send: it is told, counted and logged as that, and the client goes on. */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connect } from '../../../src/clients/client/connect.ts';
import { HANDSHAKE_MAX_BYTES } from '../../../src/contract/socket.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../support/carillon.ts';
import { connectClient } from '../../support/client.ts';
import { sendRaw } from '../../support/raw-http.ts';
import { scrape, sumOf } from '../../support/scrape.ts';
import { Bench, soon } from '../../support/scripted-server.ts';

const MAX_BYTES = 2_048;
const POLLING = '/socket.io/?EIO=4&transport=polling';

let carillon: CarillonProcess;
beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET, CLIENT_MESSAGE_MAX_BYTES: String(MAX_BYTES) });
});
afterAll(() => carillon.stop());

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function counted(outcome: string): Promise<number> {
  const labels = { outcome, code: 'message_too_large' };
  return sumOf(await scrape(carillon), 'carillon_connections_total', labels) ?? Number.NaN;
}
const logged = () => carillon.output.filter((line) => line.includes('"message_too_large"')).length;
const GOAWAY = { code: 'message_too_large', reconnect: true, retryAfterMs: expect.any(Number) };

describe('a gateway', () => {
  test.for(['websocket', 'polling'] as const)(
    'says goodbye over %s, counts it and logs it',
    async (transport) => {
      const [closed, lines] = [await counted('closed'), logged()];
      const client = connectClient(carillon.url, await tokenFor('ada'), { transports: [transport] });
      open.push(client);
      await client.session();
      const gone = new Promise<unknown[]>((resolve) =>
        client.socket.once('disconnect', (...args) => resolve(args)),
      );
      client.socket.emit('ping', { seq: 1, more: 'x'.repeat(MAX_BYTES) });
      const [, details] = await gone;
      // One that polls may hear of the answer to its request first.
      if (transport === 'websocket') expect(client.goaways).toEqual([GOAWAY]);
      else
        expect(client.goaways.length === 1 || Reflect.get(Object(details), 'description') === 413).toBe(true);
      await expect.poll(() => counted('closed')).toBe(closed + 1);
      await expect.poll(logged).toBeGreaterThan(lines);
    },
  );

  test('answers a request that polls with a problem, however its length is given', async () => {
    const body = `42["ping",${JSON.stringify('x'.repeat(HANDSHAKE_MAX_BYTES))}]`;
    const host = new URL(carillon.url).host;
    for (const [header, sent] of [
      [`content-length: ${body.length}`, body],
      ['transfer-encoding: chunked', `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`],
    ]) {
      const refused = await counted('refused');
      const begun = await fetch(`${carillon.url}${POLLING}`).then((response) => response.text());
      const { sid }: { readonly sid: string } = JSON.parse(begun.slice(1));
      const head = `POST ${POLLING}&sid=${sid} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: text/plain\r\n${header}`;
      const [answer] = await sendRaw(carillon.url, `${head}\r\n\r\n${sent}`);
      expect(answer?.status).toBe(413);
      const polled = await fetch(`${carillon.url}${POLLING}&sid=${sid}`).then((response) => response.text());
      expect(polled).toMatch(/"message_too_large"|"code":1/);
      await expect.poll(() => counted('refused')).toBe(refused + 1);
    }
  });

  test('answers who begins with one, and counts it as refused', async () => {
    const refused = await counted('refused');
    const socket = new WebSocket(
      `${carillon.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`,
    );
    const heard: string[] = [];
    socket.on('message', (data) => heard.push(String(data)));
    await once(socket, 'open');
    socket.send(`40${JSON.stringify({ token: 'x'.repeat(HANDSHAKE_MAX_BYTES) })}`);
    const [code] = await once(socket, 'close');
    expect([code, heard.some((text) => text.includes('"message_too_large"'))]).toEqual([1009, true]);
    await expect.poll(() => counted('refused')).toBe(refused + 1);
  });
});

describe('the client library', () => {
  async function connected() {
    const token = await tokenFor('ada', { publish: ['*'], topics: ['*'] });
    const client = connect({ url: carillon.url, token: () => token });
    open.push(client);
    const told: string[] = [];
    client.on('state', ({ status }) => told.push(status));
    client.on('error', ({ code }) => told.push(`error ${code}`));
    await soon(() => expect(client.state.status).toBe('connected'));
    return { client, told };
  }

  test('does not send it, and says so', async () => {
    const { client, told } = await connected();
    const publication = { type: 'x', data: { text: 'é'.repeat(MAX_BYTES / 2) } };
    await expect(client.publish('a', publication)).rejects.toMatchObject({ code: 'message_too_large' });
    expect(told).toEqual(['connected', 'error message_too_large']);
    await client.publish('a', { type: 'x', data: { text: 'é'.repeat(MAX_BYTES / 3) } });
  });

  test('marks however many, in messages that are small enough', async () => {
    const { client, told } = await connected();
    await client.inbox.markRead(Array.from({ length: 1_200 }, (_, i) => `${i}-${'é'.repeat(20)}`));
    expect(told).toEqual(['connected']);
  });
});

describe('of a server that does not tell its limits', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = new Bench();
    await bench.server.start();
  });
  afterAll(() => bench.close());

  test('the client finds out by the largest, which it does not send again', async () => {
    const { server } = bench;
    server.answers.publish = ({ id }) => ({ id });
    const { client, told } = await bench.connected();
    const large = client.publish('a', { type: 'x', data: { text: 'x'.repeat(1_100_000) } });
    const small = client.publish('a', { type: 'x', data: {}, id: 'small' });
    await expect(large).rejects.toMatchObject({ code: 'message_too_large' });
    expect(await small).toBe('small');
    await soon(() => expect(client.state.status).toBe('connected'));
    expect(told).toContain('waiting message_too_large');
    expect(told.filter((text) => text === 'connected')).toHaveLength(2);
  });
});
