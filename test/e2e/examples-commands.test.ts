/** The commands in the documents that start the service and look after it, as they stand there. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { isReady, JWT_SECRET, tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { connectClient } from '../support/client.ts';
import { deadLetter, deadLetterOf } from '../support/dead-letters.ts';
import { fencedBlock } from '../support/fenced-blocks.ts';
import { freePort } from '../support/ports.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { freshVhost } from '../support/servers.ts';
import { openTerminal } from '../support/terminal.ts';
import { until } from '../support/until.ts';

const READMES = ['README.md', 'README.zh.md'] as const;
const terminal = openTerminal();

/** Where a service is to listen, and how others find it. */
async function addresses() {
  const [PORT, OPS_PORT] = [String(await freePort()), String(await freePort())];
  const [url, opsUrl] = [`http://127.0.0.1:${PORT}`, `http://127.0.0.1:${OPS_PORT}`];
  return { url, opsUrl, env: { PORT, OPS_PORT, HOST: '127.0.0.1' } };
}

const ready = (opsUrl: string) => until('the service to be ready', 30_000, () => isReady({ opsUrl }));

describe('on RabbitMQ and Redis', { timeout: 60_000 }, () => {
  let amqpUrl: string;
  let redis: RedisServer;
  beforeAll(async () => {
    [amqpUrl, redis] = await Promise.all([freshVhost(), startRedis({ persistent: true })]);
  });
  afterAll(() => redis?.stop());

  test('the service, its doctor, an explanation, and dead letters that are foretold', async () => {
    const [start = '', chinese] = READMES.map((file) => fencedBlock(file, 'sh', 'npm run build'));
    expect(chinese).toBe(start);
    const code = start
      .replace('amqp://localhost', amqpUrl)
      .replace('redis://localhost', redis.url)
      .replace('…', JWT_SECRET);
    const { url, opsUrl, env } = await addresses();
    terminal.run(code, env);
    await ready(opsUrl);

    const producer = new Producer(amqpUrl);
    onTestFinished(() => producer.close());
    const client = connectClient(url, await tokenFor('42'));
    onTestFinished(() => client.close());
    await client.session();
    const [asked, repeated, fresh] = ['7d1c0b9e', 'repeated', 'fresh'].map((id) =>
      madeEvent(id, { audience: 'user:42' }),
    );
    if (asked && repeated) await producer.publish(asked, repeated);
    await client.received(2);
    const deadLetters = [repeated, fresh, madeEvent('for nobody')];
    await deadLetter(
      amqpUrl,
      deadLetters.map((event) => deadLetterOf(event, 'no_audience')),
    );
    const operator = {
      AMQP_URL: amqpUrl,
      REDIS_URL: redis.url,
      JWT_SECRET,
      CARILLON_URL: url,
      CARILLON_OPS_URL: opsUrl,
      CARILLON_MANAGEMENT_URL: inject('rabbitMq').managementUrl,
      CONNECTIONS_PER_NODE: '10',
      // Something else may listen on the default ones.
      PORT: '0',
      OPS_PORT: '0',
    };
    const printed = fencedBlock('docs/cli.md', '', '$ carillon dead-letters').split('\n');
    for (const file of READMES) {
      const doctor = terminal.run(fencedBlock(file, 'sh', 'carillon doctor'), operator);
      expect([await doctor.end(), doctor.errors]).toEqual([0, []]);
      const lines = doctor.lines.join('\n');
      expect(lines).toMatch(/^ok +readiness/m);
      expect(lines).toMatch(/\((kept|delivered)\)$/m);
      expect(lines.endsWith(printed.slice(1).join('\n'))).toBe(true);
    }
    const foretold = terminal.run((printed[0] ?? '').replace('$ ', ''), operator);
    expect([await foretold.end(), foretold.lines]).toEqual([0, printed.slice(1)]);

    const shell = terminal.shell({ CARILLON_URL: url });
    const lines = fencedBlock('docs/cli.md', 'sh', 'carillon watch').replace('…', JWT_SECRET).split('\n');
    for (const line of lines) {
      shell.write(`${line}\n`);
      // As somebody at a terminal would.
      if (line.includes('watch'))
        await until('it to watch', 20_000, () => shell.errors.join().includes('connected as 42'));
    }
    await shell.prints(/user:42 3 .*Your order is on its way$/);
    expect((await client.received(3)).at(-1)).toMatchObject({ data: { title: 'Your order is on its way' } });
  });
});

describe('embedded', { timeout: 60_000 }, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  test.each([...READMES])('%s: npm start, and the console', async (file) => {
    const { url, opsUrl, env } = await addresses();
    // The packages are there: installing them again would take them from under the other tests.
    const [install, start = ''] = fencedBlock(file, 'sh', 'npm start').split(' && ');
    expect(install).toBe('npm ci');
    const service = terminal.run(start, env);
    await ready(opsUrl);
    await service.prints(new RegExp(`${env.PORT}`));
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(url);
    await page.getByRole('button', { name: 'Send', exact: true }).waitFor();
  });

  test('examples/clients/browser/README.md: a page of its own', async () => {
    const { url, opsUrl, env } = await addresses();
    const port = String(await freePort());
    const code = fencedBlock('examples/clients/browser/README.md', 'sh', 'ALLOWED_ORIGINS');
    const [start = '', files = '', token = ''] = code.replaceAll('8080', port).split('\n');
    terminal.run(start, env);
    terminal.run(files);
    await ready(opsUrl);
    const made = terminal.run(token);
    await made.end();
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const address = `http://localhost:${port}/examples/clients/browser/`;
    await expect.poll(() => page.goto(address).then((got) => got?.status(), String)).toBe(200);
    await page.getByLabel('Service').fill(url);
    await page.getByLabel('Token').fill(made.lines.join(''));
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.getByText('Connected as ada.').waitFor();
    const send = 'node dist/cli/main.js send --audience user:ada --title Hello';
    expect(await terminal.run(send, { CARILLON_URL: url }).end()).toBe(0);
    await page.getByText('user:ada 1: Hello').waitFor();
  });

  test('examples/tracing/README.md: what a trace shows', async () => {
    const { url, opsUrl, env } = await addresses();
    const service = terminal.run(fencedBlock('examples/tracing/README.md', 'sh', 'otel.mjs'), env);
    await ready(opsUrl);
    const send = fencedBlock('examples/tracing/README.md', 'sh', 'traceparent');
    expect(await terminal.run(send.replaceAll('http://localhost:3000', url)).end()).toBe(0);
    await service.prints(/carillon\.inbox append/);
    await service.prints(/carillon\.deliver process/);
    expect(service.lines.join()).toContain('0af7651916cd43dd8448eb211c80319c');
  });

  test('examples/clients/python/README.md: a client', async () => {
    const { url, opsUrl, env } = await addresses();
    terminal.run('npm start', env);
    await ready(opsUrl);
    const token = terminal.run('carillon token ada');
    await token.end();
    const code = fencedBlock('examples/clients/python/README.md', 'sh', 'client.py')
      .replace('http://localhost:3000', url)
      .replace('…', token.lines.join(''));
    const cursors = { CURSORS_FILE: `${terminal.folder}/cursors.json` };
    const client = terminal.run(code, cursors, 'examples/clients/python');
    await client.prints(/^connected as ada/);
    expect(await terminal.run('carillon send -a user:ada --title Hi', { CARILLON_URL: url }).end()).toBe(0);
    await client.prints(/^user:ada 1 .*Hi$/);
  });
});
