/** What routes show: one log entry and one frame for everybody, of which each reader takes their own language. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, type Notification, textsOf } from '../../../src/clients/client/connect.ts';
import { inboxPageSchema } from '../../../src/contract/inbox.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../support/carillon.ts';
import { openSession } from '../../support/raw-socket.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';
import { temporaryFile } from '../../support/temporary-file.ts';
import { until } from '../../support/until.ts';

const TIMEOUT_MS = 20_000;
const ROUTES_FILE = temporaryFile(
  'routes.yaml',
  `routes:
  - type: order.shipped
    audience: ["user:{data.customerId}"]
    severity: success
    category: orders
    display:
      title: { en: "Order {data.id} has shipped", zh-Hans: "订单 {data.id} 已发货" }
      body: { en: "{data.total} EUR" }
      url: "/orders/{data.id}"
  - type: notice.sent
    display: { title: "Notice: {data.text}", body: "{data.more}" }
`,
);
/** With a number that no double holds, and spaces that go. */
const DATA = '{"id": 1285704473650888702, "customerId": "u", "total": 5.00, "title": "domain"}';
const WRITTEN = '{"id":1285704473650888702,"customerId":"u","total":5.00,"title":"domain"}';
const DISPLAY =
  '{"title":{"en":"Order 1285704473650888702 has shipped","zh-Hans":"订单 1285704473650888702 已发货"},"url":"/orders/1285704473650888702","body":{"en":"5.00 EUR"}}';

let real: CarillonProcess;
let embedded: CarillonProcess;

beforeAll(async () => {
  const [AMQP_URL, REDIS_URL] = await Promise.all([freshVhost(), freshRedis()]);
  [real, embedded] = await Promise.all([
    startCarillon({ AMQP_URL, REDIS_URL, JWT_SECRET, ROUTES_FILE, LOG_SAMPLE_RATE: '1' }),
    startCarillon({ JWT_SECRET, ROUTES_FILE }),
  ]);
});
afterAll(async () => {
  await Promise.all([real.stop(), embedded.stop()]);
});

async function post({ url }: CarillonProcess, attributes: string): Promise<void> {
  const authorization = `Bearer ${await tokenFor('shop', { scope: 'events:write' })}`;
  const body = `{"specversion":"1.0","source":"/shop",${attributes}}`;
  const headers = { authorization, 'content-type': 'application/cloudevents+json' };
  expect((await fetch(`${url}/v1/events`, { method: 'POST', headers, body })).status).toBe(202);
}

describe.each([
  ['in Redis', () => real],
  ['in memory', () => embedded],
] as const)('%s', (_name, carillonOf) => {
  test('two readers get the same frame, and read different languages in it', async () => {
    const carillon = carillonOf();
    const sockets = await Promise.all(
      [1, 2].map(async () => await openSession(carillon.url, await tokenFor('u'))),
    );
    const heard: Notification[] = [];
    const client = connect({ url: carillon.url, token: () => tokenFor('u'), storage: new Map() });
    client.on('notification', (notification) => heard.push(notification));
    await until('the session', TIMEOUT_MS, () => client.state.status === 'connected');
    await post(carillon, `"id":"s1","type":"order.shipped","data":${DATA}`);
    const frames = await Promise.all(
      sockets.map(async (socket) => {
        await socket.heard('42["notification"');
        return socket.received.find((packet) => packet.startsWith('42["notification"')) ?? '';
      }),
    );
    expect(frames[0]).toBe(frames[1]);
    expect(frames[0]).toContain(
      `"severity":"success","category":"orders","data":${WRITTEN},"display":${DISPLAY}}]`,
    );
    await until('it', TIMEOUT_MS, () => heard.length === 1);
    const [notification] = heard;
    if (notification === undefined) throw new Error('there is none');
    expect(textsOf(notification, ['zh-CN', 'en'])).toMatchObject({
      title: '订单 1285704473650888702 已发货',
      titleLanguage: 'zh-Hans',
      body: '5.00 EUR',
      bodyLanguage: 'en',
      url: '/orders/1285704473650888702',
    });
    expect(textsOf(notification, ['fr']).title).toBe('Order 1285704473650888702 has shipped');
    client.close();
    for (const socket of sockets) socket.close();
  });

  test('an event that names its audience is shown so too, and a text that it lacks data for is left out', async () => {
    const carillon = carillonOf();
    await post(
      carillon,
      '"id":"n1","type":"notice.sent","audience":"user:named","category":"own","severity":"info","data":{"text":"Hello"}',
    );
    const list = async () => {
      const headers = { authorization: `Bearer ${await tokenFor('named')}` };
      return inboxPageSchema.parse(await (await fetch(`${carillon.url}/v1/inbox`, { headers })).json());
    };
    await until('it', TIMEOUT_MS, async () => (await list()).notifications.length === 1);
    expect((await list()).notifications).toMatchObject([
      { severity: 'info', category: 'own', data: { text: 'Hello' }, display: { title: 'Notice: Hello' } },
    ]);
    const metrics = await (await fetch(`${carillon.opsUrl}/metrics`)).text();
    expect(metrics).toContain('carillon_display_omissions_total{field="body",reason="missing"} 1\n');
  });

  test.each([
    ['zh-CN,zh;q=0.9,en;q=0.8', '订单 1285704473650888702 已发货', '5.00 EUR', 'zh-Hans, en'],
    ['en;q=0.5, zh-hans', '订单 1285704473650888702 已发货', '5.00 EUR', 'zh-Hans, en'],
    ['fr', 'Order 1285704473650888702 has shipped', '5.00 EUR', 'en'],
    ['zh;q=0, en', 'Order 1285704473650888702 has shipped', '5.00 EUR', 'en'],
    ['en-GB', 'Order 1285704473650888702 has shipped', '5.00 EUR', 'en'],
  ])('over HTTP, Accept-Language: %s', async (language, title, body, contentLanguage) => {
    const carillon = carillonOf();
    const user = 'http';
    await post(carillon, `"id":"h1","type":"order.shipped","audience":"user:${user}","data":${DATA}`);
    const read = async (headers: Record<string, string>) => {
      const authorization = `Bearer ${await tokenFor(user)}`;
      const response = await fetch(`${carillon.url}/v1/inbox`, { headers: { authorization, ...headers } });
      return { headers: response.headers, text: await response.text() };
    };
    await until('it', TIMEOUT_MS, async () => (await read({})).text.includes('"id":"h1"'));
    const { text, headers } = await read({ 'accept-language': language });
    expect(inboxPageSchema.parse(JSON.parse(text)).notifications[0]?.display).toEqual({
      title,
      body,
      url: '/orders/1285704473650888702',
    });
    // What the producer wrote stays as it was, and the marks stand behind it.
    expect(text).toContain(`"data":${WRITTEN},"display":`);
    expect(text).toContain('},"seen":false,');
    expect(headers.get('content-language')).toBe(contentLanguage);
    expect(headers.get('vary')?.toLowerCase()).toContain('accept-language');
    for (const none of [{ 'accept-language': '*' }, { 'accept-language': '' }]) {
      const whole = await read(none);
      expect(whole.text).toContain(`"display":${DISPLAY},"seen":false`);
      expect(whole.headers.get('content-language')).toBeNull();
      expect(whole.headers.get('vary')?.toLowerCase()).toContain('accept-language');
    }
  });
});

test('the sampled log says what was left out, and why', async () => {
  await post(real, '"id":"l1","type":"notice.sent","audience":"user:logged","data":{"text":"Hello"}');
  const said = () => real.output.find((line) => line.includes('"l1"') && line.includes('appended'));
  await until('the line', TIMEOUT_MS, () => said() !== undefined);
  expect(JSON.parse(said() ?? '')).toMatchObject({
    omitted: [{ route: 'notice.sent', field: 'body', why: 'missing', path: 'data.more' }],
  });
});
