/** In a real browser: a page of another origin logs nobody in and reads nothing, neither by JSONP nor by a rebound name. */
import { createServer, type Server } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { launchOwnChromium } from '../support/chromium.ts';

/** All that JSONP needs: scripts, and a request whose answer cannot be read. Tells what it has heard. */
const FOREIGN_PAGE = `<!doctype html><title>Foreign</title><script>
  async function hearByJsonp(url, token) {
    const heard = [];
    window.___eio = [(text) => heard.push(text)];
    const polling = url + '/socket.io/?EIO=4&transport=polling&j=0';
    const load = (src) => new Promise((resolve) => {
      const script = document.createElement('script');
      script.src = src;
      script.onload = script.onerror = resolve;
      document.head.append(script);
    });
    await load(polling);
    const sid = /"sid":"([^"]+)"/.exec(heard[0] ?? '')?.[1];
    if (sid === undefined) return heard;
    const body = new URLSearchParams({ d: '40' + JSON.stringify({ token }) });
    await fetch(polling + '&sid=' + sid, { method: 'POST', mode: 'no-cors', body });
    await load(polling + '&sid=' + sid + '&t=1');
    await load(polling + '&sid=' + sid + '&t=2');
    return heard;
  }
</script>`;

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

let carillon: CarillonProcess;
let browser: Browser;
let pages: Server;
let foreignOrigin: string;

beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET });
  // As a name server would answer that has been told to, in the moment after the page was loaded.
  browser = await launchOwnChromium('--host-resolver-rules=MAP evil.example 127.0.0.1');
  pages = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(FOREIGN_PAGE);
  });
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const address = pages.address();
  foreignOrigin = `http://evil.example:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(async () => {
  await browser?.close();
  pages?.close();
  await carillon?.stop();
});

test('a page of another origin hears nothing by JSONP', async () => {
  const page = await browser.newPage();
  await page.goto(foreignOrigin);
  const given = [carillon.url, await tokenFor('ada')].map((text) => JSON.stringify(text));
  expect(await page.evaluate(`hearByJsonp(${given})`)).toEqual([]);
  await page.close();
});

/** What comes of requests to these paths, as text; `refused` when the browser hands nothing over. */
async function readFrom(page: Page, origin: string, paths: readonly string[]): Promise<readonly string[]> {
  return await page.evaluate(
    async ([base, all]) =>
      await Promise.all(
        all.map(async (path) => {
          try {
            const answer = await fetch(`${base}${path}`);
            return answer.ok ? await answer.text() : String(answer.status);
          } catch {
            return 'refused';
          }
        }),
      ),
    [origin, paths] as const,
  );
}

const PATHS = ['/demo/token?user=ada', '/console/about', '/socket.io/?EIO=4&transport=polling'] as const;

test('a page whose name was rebound to this machine is answered by no port', async () => {
  for (const url of [carillon.url, carillon.opsUrl]) {
    const page = await browser.newPage();
    const rebound = `http://evil.example:${new URL(url).port}`;
    // Whatever stands there is a page of that origin.
    await page.goto(`${rebound}/page`);
    const paths = url === carillon.url ? PATHS : ['/health/live', '/metrics'];
    expect(await readFrom(page, '', paths)).toEqual(paths.map(() => '421'));
    const webSocket = await page.evaluate(
      async (base) =>
        await new Promise<string>((resolve) => {
          const socket = new WebSocket(`${base.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
          socket.onmessage = ({ data }) => resolve(String(data));
          socket.onerror = () => resolve('refused');
        }),
      rebound,
    );
    expect(webSocket).toBe('refused');
    await page.close();
  }
});

test('a page of another origin is answered by none of what needs no token', async () => {
  const page = await browser.newPage();
  await page.goto(foreignOrigin);
  expect(await readFrom(page, carillon.url, PATHS)).toEqual(PATHS.map(() => 'refused'));
  // Without asking whether it may, and without reading: it must not happen either.
  const event = { specversion: '1.0', id: 'forged', source: '/evil', type: 't', audience: 'global' };
  await page.evaluate(
    async ([url, body]) => {
      const headers = { 'content-type': 'text/plain' };
      await fetch(`${url}/console/events`, { method: 'POST', mode: 'no-cors', headers, body }).catch(
        () => {},
      );
    },
    [carillon.url, JSON.stringify(event)] as const,
  );
  await page.close();
  const own = await browser.newPage();
  await own.goto(`${carillon.url}/console/about`);
  const [token = ''] = await readFrom(own, carillon.url, ['/demo/token?user=ada']);
  expect(token).toContain('"token"');
  const inbox = await fetch(`${carillon.url}/v1/inbox`, {
    headers: { authorization: `Bearer ${await tokenFor('ada')}` },
  });
  expect(await inbox.json()).toMatchObject({ notifications: [] });
  await own.close();
});
