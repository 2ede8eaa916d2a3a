/** Pictures and long texts through a real stack: what goes in comes out, on every transport and in a real browser. */
import { randomUUID } from 'node:crypto';
import { Socket as NetSocket } from 'node:net';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { bytesOf } from '../../src/clients/client/connect.ts';
import { inboxPageSchema } from '../../src/contract/inbox.ts';
import { tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { deadLetters } from '../support/dead-letters.ts';
import { pngOf } from '../support/png.ts';
import { type MadeEvent, madeEvent } from '../support/producer.ts';
import { type Stack, startStack } from '../support/stack.ts';

const MAX_BYTES = 65_536;
const STRUCTURED = 'application/cloudevents+json';
const PNG = 'image/png';
const transports = ['websocket', 'polling'] as const;

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

let stack: Stack;
let clients: TestClient[] = [];
let users = 0;

beforeAll(async () => {
  stack = await startStack({ EVENT_MAX_BYTES: String(MAX_BYTES) });
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(() => stack.stop());

const gatewayUrl = (index: number) => stack.gateways[index]?.url ?? '';

function newUser(): string {
  users += 1;
  return `u${users}`;
}

/** A device of the user on each transport, each on a gateway of its own. */
async function devices(user: string, auth: Readonly<Record<string, unknown>> = {}): Promise<TestClient[]> {
  const token = await tokenFor(user);
  const opened = transports.map((transport, i) =>
    connectClient(gatewayUrl(i), token, { transports: [transport], auth }),
  );
  clients.push(...opened);
  await Promise.all(opened.map((client) => client.session()));
  return opened;
}

async function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) {
  const authorization = `Bearer ${await tokenFor('a-service', { scope: 'events:write' })}`;
  const response = await fetch(`${gatewayUrl(0)}/v1/events`, {
    method: 'POST',
    headers: { authorization, ...headers },
    body,
  });
  return { status: response.status, answer: await response.json() };
}

const attributes = (audience: string) => ({
  specversion: '1.0',
  id: randomUUID(),
  source: '/scanner',
  type: 'scan.made',
  audience,
});
const prefixed = (prefix: string, values: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
const pictureIn = (audience: string, picture: Buffer): MadeEvent => ({
  ...attributes(audience),
  datacontenttype: PNG,
  data_base64: picture.toString('base64'),
});

describe('a picture', () => {
  const picture = pngOf(23, 7);
  const sent: Readonly<Record<string, (audience: string) => Promise<unknown>>> = {
    'structured over AMQP': (audience) => stack.producer.publish(pictureIn(audience, picture)),
    'binary over AMQP': (audience) =>
      stack.producer.publishRaw(picture, {
        contentType: PNG,
        headers: prefixed('cloudEvents:', attributes(audience)),
      }),
    'structured over HTTP': async (audience) =>
      expect(
        await post(JSON.stringify(pictureIn(audience, picture)), { 'content-type': STRUCTURED }),
      ).toEqual(accepted),
    'binary over HTTP': async (audience) =>
      expect(
        await post(new Uint8Array(picture), {
          'content-type': PNG,
          ...prefixed('ce-', attributes(audience)),
        }),
      ).toEqual(accepted),
  };
  const accepted = { status: 202, answer: { accepted: 1 } };

  test.for(Object.entries(sent))(
    '%s arrives byte for byte, live, recovered and in the inbox',
    async ([, send]) => {
      const user = newUser();
      const live = await devices(user);
      await send(`user:${user}`);
      for (const client of live) {
        const [notification] = await client.received(1);
        expect(notification).toMatchObject({ datacontenttype: PNG, offset: 1 });
        expect(notification).not.toHaveProperty('data');
        expect(notification && bytesOf(notification)).toEqual(new Uint8Array(picture));
      }

      const [{ epoch = '' } = {}] = await (live[0]?.received(1) ?? []);
      for (const late of await devices(user, { cursors: { [`user:${user}`]: { epoch, offset: 0 } } })) {
        const { missed } = await late.session();
        expect(missed?.[`user:${user}`]).toMatchObject({ recovered: true, notifications: [{ offset: 1 }] });
        const [recovered] = missed?.[`user:${user}`]?.notifications ?? [];
        expect(recovered && bytesOf(recovered)).toEqual(new Uint8Array(picture));
        const page = inboxPageSchema.parse(await late.ask('inbox'));
        expect(page).toMatchObject({ unseen: 1, unread: 1, notifications: [{ seen: false, read: false }] });
        expect(page.notifications.map(bytesOf)).toEqual([new Uint8Array(picture)]);
      }
    },
  );

  describe('in a browser', () => {
    let browser: Browser;
    let script: string;

    beforeAll(async () => {
      const clientPath = new URL('../../packages/client/dist/clients/client/connect.js', import.meta.url)
        .pathname;
      const [launched, { outputFiles }] = await Promise.all([
        launchChromium(),
        build({
          stdin: { contents: pageScript(clientPath), resolveDir: import.meta.dirname },
          bundle: true,
          format: 'iife',
          platform: 'browser',
          write: false,
          logLevel: 'silent',
        }),
      ]);
      browser = launched;
      script = outputFiles[0]?.text ?? '';
    });
    afterAll(() => browser?.close());

    test.for(transports)('is shown, as bytes and as a data: URL within data, over %s', async (transport) => {
      const user = newUser();
      const page = await browser.newPage();
      onTestFinished(() => page.close());
      page.setDefaultTimeout(40_000);
      if (transport === 'polling') await page.addInitScript(NO_WEBSOCKETS);
      const body = `<title>Pictures</title><script>window.token = '${await tokenFor(user)}'</script><script>${script}</script>`;
      await page.route('**/pictures', (route) => route.fulfill({ contentType: 'text/html', body }));
      await page.goto(`${gatewayUrl(1)}/pictures`);
      await page.locator('[data-connected]').waitFor();

      const small = pngOf(11, 13);
      const image = `data:${PNG};base64,${small.toString('base64')}`;
      await stack.producer.publish(
        { ...pictureIn(`user:${user}`, picture), id: 'bytes' },
        madeEvent('url', { audience: `user:${user}`, data: { title: 'Scan', image } }),
      );
      await page.locator('img#bytes').waitFor();
      await page.locator('img#url').waitFor();
      const sizes = `Array.from(document.images, ({ id, naturalWidth, naturalHeight }) => [id, naturalWidth, naturalHeight])`;
      await expect
        .poll(() => page.evaluate(sizes))
        .toEqual([
          ['bytes', 23, 7],
          ['url', 11, 13],
        ]);
    });
  });
});

/** As behind a proxy that lets none through. */
const NO_WEBSOCKETS = `window.WebSocket = class {
  constructor() { setTimeout(() => this.onerror(new Event('error'))); }
  close() {}
};`;

/** An app: shows each notification that has a picture. */
const pageScript = (clientPath: string) => `
  import { bytesOf, connect } from ${JSON.stringify(clientPath)};
  const carillon = connect({ url: location.origin, token: () => window.token });
  carillon.on('session', () => document.documentElement.setAttribute('data-connected', ''));
  carillon.on('notification', (notification) => {
    const bytes = bytesOf(notification);
    const picture = new Image();
    picture.id = notification.id;
    picture.src = bytes
      ? URL.createObjectURL(new Blob([bytes], { type: notification.datacontenttype }))
      : notification.data.image;
    document.documentElement.append(picture);
  });
`;

/** An event of exactly so many bytes of JSON, most of it text of one to four bytes a character. */
function eventOf(bytes: number, audience: string): MadeEvent {
  const event = (text: string) => madeEvent(randomUUID(), { audience, data: { title: 'Long', text } });
  const empty = Buffer.byteLength(JSON.stringify(event('')));
  let text = '';
  for (let line = 1; Buffer.byteLength(text) < bytes - empty - 100; line += 1)
    text += `${line} Größe, 漢字, 🔔 | `;
  const filled = event(text + '.'.repeat(bytes - empty - Buffer.byteLength(text)));
  expect(Buffer.byteLength(JSON.stringify(filled))).toBe(bytes);
  return filled;
}

describe('64 KB of text', () => {
  const hasSocket = z.object({ ws: z.object({ _socket: z.instanceof(NetSocket) }) });

  test('arrives as it is, and compressed, on a WebSocket', async () => {
    const user = newUser();
    const [client] = await devices(user);
    const stream = hasSocket.parse(client?.socket.io.engine.transport).ws._socket;
    const before = stream.bytesRead;
    const event = eventOf(MAX_BYTES, `user:${user}`);
    await stack.producer.publish(event);
    const [notification] = (await client?.received(1)) ?? [];
    expect(notification?.data).toEqual(event.data);
    expect(stream.bytesRead - before).toBeGreaterThan(1_000);
    expect(stream.bytesRead - before).toBeLessThan(MAX_BYTES / 3);
  });

  test('arrives as it is over polling, where several notifications come in one answer, and not compressed', async () => {
    const user = newUser();
    const [, client] = await devices(user);
    const poll = await poller(gatewayUrl(0), await tokenFor(user));
    const event = eventOf(MAX_BYTES, `user:${user}`);
    await stack.producer.publish(event);
    const [notification] = (await client?.received(1)) ?? [];
    expect(notification?.data).toEqual(event.data);

    const { text, encoding } = await poll('42["notification"');
    expect(JSON.parse(text.slice(2))[1].data).toEqual(event.data);
    expect(encoding).toBeNull();
  });

  test('and one byte more is refused, over HTTP and over AMQP', async () => {
    const user = newUser();
    const [client] = await devices(user);
    const tooLarge = eventOf(MAX_BYTES + 1, `user:${user}`);
    const headers = { 'content-type': STRUCTURED };
    expect(await post(JSON.stringify(tooLarge), headers)).toMatchObject({
      status: 413,
      answer: { code: 'too_large' },
    });
    await stack.producer.publish(tooLarge, eventOf(MAX_BYTES, `user:${user}`));
    expect(await client?.received(1)).toMatchObject([{ offset: 1, data: { title: 'Long' } }]);
    // What comes behind it does not wait until RabbitMQ has the dead letter.
    await expect
      .poll(() => deadLetters(stack.consumer, '?reason=too_large'))
      .toMatchObject({ answer: { deadLetters: [{ event: tooLarge.id, bytes: MAX_BYTES + 1 }] } });
  });
});

/** A client with nothing but HTTP: asks until a message begins like this, and tells what came over the wire. */
async function poller(url: string, token: string) {
  const open = `${url}/socket.io/?EIO=4&transport=polling`;
  const { sid } = z
    .object({ sid: z.string() })
    .parse(JSON.parse((await (await fetch(open)).text()).slice(1)));
  const address = `${open}&sid=${sid}`;
  const send = (packet: string) => fetch(address, { method: 'POST', body: packet });
  await send(`40${JSON.stringify({ token })}`);
  const poll = async (start: string) => {
    for (;;) {
      const response = await fetch(address, { headers: { 'accept-encoding': 'gzip' } });
      const packets = (await response.text()).split('\u001e');
      const text = packets.find((packet) => packet.startsWith(start));
      if (text !== undefined) return { text, encoding: response.headers.get('content-encoding') };
      if (packets.includes('2')) await send('3');
    }
  };
  await poll('42["session"');
  return poll;
}
