/** The producers of examples/, run as their READMEs say: what they say is confirmed arrives, also after an outage. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { connectClient } from '../support/client.ts';
import { freePort } from '../support/ports.ts';
import { type Program, startProgram } from '../support/program.ts';
import { findPythonWith } from '../support/programs.ts';
import { freshRedis, freshVhost, sharedManagement } from '../support/servers.ts';
import { until } from '../support/until.ts';

const PYTHON = findPythonWith('pika') ?? 'python3';
const CONFIRMED = /^confirmed \S+$/;

let carillon: CarillonProcess | undefined;
afterEach(async () => {
  await carillon?.stop();
  carillon = undefined;
});

async function device(user: string) {
  const client = connectClient(carillon?.url ?? '', await tokenFor(user));
  onTestFinished(() => client.close());
  await client.session();
  return client;
}

const overAmqp = [
  { command: process.execPath, script: 'examples/producers/node/send.mjs' },
  { command: PYTHON, script: 'examples/producers/python/send.py' },
];

// Each starts processes, some of them one after the other.
const SLOW = { timeout: 120_000 };

describe.for(overAmqp)('$script', SLOW, ({ command, script }) => {
  let amqpUrl: string;
  beforeEach(async () => {
    amqpUrl = await freshVhost();
  });

  function start(): Program {
    const program = startProgram(command, [script, 'user:ada'], { AMQP_URL: amqpUrl });
    onTestFinished(() => program.stop());
    return program;
  }

  test('sends each line, and goes on when RabbitMQ has closed its connection', async () => {
    carillon = await startCarillon({ AMQP_URL: amqpUrl, REDIS_URL: await freshRedis(), JWT_SECRET });
    const client = await device('ada');
    const producer = start();
    producer.write('one\ntwo "quoted"\n');
    await producer.prints(CONFIRMED, 2);
    await client.received(2);

    const vhost = decodeURIComponent(new URL(amqpUrl).pathname.slice(1));
    const management = sharedManagement();
    const own = async () =>
      (await management.connections(vhost)).filter(({ client_properties }) =>
        JSON.stringify(client_properties).includes('example producer'),
      );
    await until('its connection to be listed', 40_000, async () => (await own()).length === 1);
    for (const { name } of await own()) await management.closeConnection(name);
    producer.write('three\n');
    await producer.prints(CONFIRMED, 3);
    await client.received(3);
    expect(await producer.end()).toBe(0);
    expect(client.notifications.map(({ data }) => data?.title)).toEqual(['one', 'two "quoted"', 'three']);
    expect(client.notifications.map(({ id }) => `confirmed ${id}`)).toEqual(producer.lines);
  });

  test('confirms nothing as long as no queue takes it', async () => {
    const model = await connect(amqpUrl);
    onTestFinished(() => model.close());
    const channel = await model.createChannel();
    await channel.assertExchange('carillon.events', 'topic', { durable: true });
    const producer = start();
    producer.write('one\n');
    await until('a complaint', 60_000, () => producer.errors.length > 0);
    expect(producer.lines).toEqual([]);
    const { queue } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(queue, 'carillon.events', '#');
    await producer.prints(CONFIRMED);
    const message = await channel.get(queue, { noAck: true });
    if (message === false) throw new Error('nothing in the queue');
    expect(JSON.parse(message.content.toString())).toMatchObject({ audience: 'user:ada' });
    expect(message.properties).toMatchObject({
      deliveryMode: 2,
      contentType: 'application/cloudevents+json',
    });
  });
});

describe('examples/producers/curl/send.sh', SLOW, () => {
  const script = 'examples/producers/curl/send.sh';

  async function send(event: string, CARILLON_URL: string): Promise<Program & { exitCode: number | null }> {
    const TOKEN = await tokenFor('a-service', { scope: 'events:write' });
    const program = startProgram(script, [], { TOKEN, CARILLON_URL });
    program.write(event);
    return { ...program, exitCode: await program.end() };
  }

  test.for(['embedded', 'real'])('%s: says 202, or what is wrong', async (mode) => {
    const real = async () => ({ AMQP_URL: await freshVhost(), REDIS_URL: await freshRedis() });
    carillon = await startCarillon({ JWT_SECRET, ...(mode === 'real' ? await real() : {}) });
    const client = await device('ada');
    const event = await readFile('examples/producers/curl/event.json', 'utf8');
    const sent = await send(event, carillon.url);
    expect([sent.exitCode, sent.lines, sent.errors]).toEqual([0, ['202 {"accepted":1}'], []]);
    expect(await client.received(1)).toMatchObject([{ data: { title: 'Hello from curl' } }]);

    const refused = await send(event.replace('user:ada', 'nobody'), carillon.url);
    expect(refused.exitCode).toBe(1);
    expect(refused.lines.join('\n')).toMatch(/^422 \{.*"code":"invalid_audience".*"path":"audience\[0\]"/);
  });

  test('tries again after 503, and when nothing listens yet', async () => {
    const bodies: string[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      bodies.push(body);
      if (bodies.length === 1) response.writeHead(503, { 'retry-after': '1' }).end('{"status":503}');
      else response.writeHead(202).end('{"accepted":1}');
    });
    onTestFinished(() => void server.close());
    const port = await freePort();
    const sending = send('{"id":"1"}', `http://127.0.0.1:${port}`);
    // Its first try is refused, or else this one comes late and is the first: nothing depends on it.
    server.listen(port, '127.0.0.1');
    const { exitCode, lines } = await sending;
    expect([exitCode, lines]).toEqual([0, ['202 {"accepted":1}']]);
    expect(bodies).toEqual(['{"id":"1"}', '{"id":"1"}']);
  });
});
