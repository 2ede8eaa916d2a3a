/** The clients of examples/, run as their READMEs say: what they missed comes first, and each notification once. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { admin } from '../support/admin.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { freePort } from '../support/ports.ts';
import { madeEvent } from '../support/producer.ts';
import { startProgram } from '../support/program.ts';
import { freshRedis, freshVhost } from '../support/servers.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { until } from '../support/until.ts';

const ROOT = new URL('../../', import.meta.url);

/** Serves the repository as any server of files does. A page that the browser made up itself could not reach this machine. */
async function serveFiles() {
  const server = createServer(async ({ url = '' }, response) => {
    const path = url.replace(/\/$/, '/index.html');
    response.setHeader('content-type', path.endsWith('.js') ? 'text/javascript' : 'text/html');
    response.end(await readFile(new URL(`.${path}`, ROOT)).catch(() => ''));
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${port}`, close: () => server.close() };
}

// Each starts processes, some of them one after the other.
describe.for(['embedded', 'real'])('%s', { timeout: 120_000 }, (mode) => {
  let carillon: CarillonProcess;
  let files: Awaited<ReturnType<typeof serveFiles>>;

  beforeAll(async () => {
    files = await serveFiles();
    const real = async () => ({ AMQP_URL: await freshVhost(), REDIS_URL: await freshRedis() });
    carillon = await startCarillon({
      JWT_SECRET,
      ALLOWED_ORIGINS: files.origin,
      ...(mode === 'real' ? await real() : {}),
    });
  });
  afterAll(async () => {
    files?.close();
    await carillon?.stop();
  });

  /** One after the other, so that their order is known. */
  async function publish(audience: string, ...titles: string[]): Promise<void> {
    const authorization = `Bearer ${await tokenFor('a-service', { scope: 'events:write' })}`;
    for (const title of titles) {
      const { status } = await fetch(`${carillon.url}/v1/events`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(madeEvent(randomUUID(), { audience, data: { title } })),
      });
      expect(status).toBe(202);
    }
  }

  test.for([
    { name: 'plain.mjs', nothing: '{}' },
    { name: 'client.mjs', nothing: '[]' },
  ])('node/$name', async ({ name, nothing }) => {
    const user = name.split('.')[0] ?? '';
    const env = {
      CARILLON_URL: carillon.url,
      CURSORS_FILE: temporaryFile('cursors.json', nothing),
      TOKEN: await tokenFor(user),
    };
    const start = async () => {
      const program = startProgram(process.execPath, [`examples/clients/node/${name}`], env);
      onTestFinished(() => program.stop());
      await program.prints(/^connected as /);
      return program;
    };
    const told = ({ lines }: { readonly lines: readonly string[] }) =>
      lines.flatMap((line) => /^user:\S+ (\d+ \S+ \S+)$/.exec(line)?.[1] ?? []);

    const first = await start();
    await publish(`user:${user}`, 'a', 'b');
    await first.prints(/test\.made/, 2);
    // It keeps how far it was told after it has told it: who dies between is told once more.
    await until('the cursor to be kept', 20_000, async () =>
      /offset\W+2\b/.test(await readFile(env.CURSORS_FILE, 'utf8')),
    );
    await first.stop();
    await publish(`user:${user}`, 'c', 'd');

    const second = await start();
    await second.prints(/test\.made/, 2);
    // An operator closes its connection: it comes back by itself.
    expect((await admin(carillon, 'POST', `users/${user}/disconnect`)).status).toBeLessThan(300);
    await second.prints(/^connected as /, 2);
    await publish(`user:${user}`, 'e');
    await second.prints(/test\.made/, 3);
    expect([told(first), told(second)]).toEqual([
      ['1 test.made a', '2 test.made b'],
      ['3 test.made c', '4 test.made d', '5 test.made e'],
    ]);
  });

  describe('browser/index.html', () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launchChromium();
    });
    afterAll(() => browser?.close());

    test('shows what it missed while it was closed, and says how the connection is', async () => {
      const token = await tokenFor('page');
      const context = await browser.newContext();
      onTestFinished(() => context.close());
      const open = async () => {
        const page = await context.newPage();
        page.setDefaultTimeout(40_000);
        await page.goto(`${files.origin}/examples/clients/browser/`);
        await page.getByLabel('Service').fill(carillon.url);
        await page.getByLabel('Token').fill(token);
        await page.getByRole('button', { name: 'Connect' }).click();
        await page.getByText('Connected as page.').waitFor();
        const titles = () => page.getByRole('log').locator('li').allInnerTexts();
        return { page, titles };
      };

      const first = await open();
      await publish('user:page', 'one');
      await expect.poll(first.titles).toEqual(['user:page 1: one']);
      await first.page.close();
      // Until the service knows that it has gone, it may still be told.
      await expect
        .poll(async () => (await admin(carillon, 'GET', 'users/page/sessions')).answer, { timeout: 20_000 })
        .toMatchObject({ sessions: [] });
      await publish('user:page', 'two', 'three');
      const second = await open();
      await expect.poll(second.titles).toEqual(['user:page 3: three', 'user:page 2: two']);
      // It is soon back: what it says meanwhile is written down.
      await second.page.evaluate(`window.said = [];
        const status = document.querySelector('[role=status]');
        new MutationObserver(() => said.push(status.textContent)).observe(status, { childList: true });`);
      await admin(carillon, 'POST', 'users/page/disconnect');
      await expect
        .poll(() => second.page.evaluate('said'))
        .toEqual([expect.stringMatching(/^Not connected \(.*Next try in \d+ s\.$/), 'Connected as page.']);
      await publish('user:page', 'four');
      await expect
        .poll(second.titles)
        .toEqual(['user:page 4: four', 'user:page 3: three', 'user:page 2: two']);
    });
  });
});
