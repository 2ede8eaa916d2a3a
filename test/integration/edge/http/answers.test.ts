/** What answers tell of themselves: nobody may keep them, and their length tells nothing of what is in them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { madeEvent } from '../../../support/producer.ts';
import { sendRaw } from '../../../support/raw-http.ts';

const COMPRESSES = { 'accept-encoding': 'br, gzip, deflate' };

let usual: CarillonProcess;
let plain: CarillonProcess;
beforeAll(async () => {
  [usual, plain] = await Promise.all([
    startCarillon({ JWT_SECRET }),
    startCarillon({ JWT_SECRET, COMPRESSION_LEVEL: '0' }),
  ]);
});
afterAll(() => Promise.all([usual.stop(), plain.stop()]));

async function bearer(scope: string): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await tokenFor('ada', { scope })}`, ...COMPRESSES };
}

describe('are not to be kept', () => {
  test.for([
    ['/v1/inbox', 200],
    ['/v1/inbox?limit=0', 400],
    ['/demo/token?user=ada', 200],
    ['/health/live', 200],
    ['/nowhere', 404],
    ['/%', 400],
    ['/socket.io/?EIO=4&transport=polling', 200],
    ['/socket.io/?EIO=4&transport=nothing', 400],
    ['/socket.io/?EIO=4&transport=polling&sid=none', 400],
  ] as const)('%s', async ([path, status]) => {
    const [answer] = await sendRaw(
      usual.url,
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${(await bearer('')).authorization}\r\n\r\n`,
    );
    expect(answer?.status).toBe(status);
    expect(answer?.head.match(/^cache-control: .*$/gim)).toEqual([expect.stringMatching(/: no-store$/)]);
  });

  test.for(['/admin/users/ada/sessions', '/admin/explain?event=1&user=ada', '/admin/nowhere', '/metrics'])(
    '%s of operators',
    async (path) => {
      for (const headers of [await bearer('admin'), {}]) {
        const answer = await fetch(`${usual.opsUrl}${path}`, { headers });
        expect(answer.headers.get('cache-control')).toBe('no-store');
      }
    },
  );

  test('tokens of the console, and what it checks', async () => {
    for (const path of ['/console/tokens', '/console/check']) {
      const answer = await fetch(`${usual.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user: 'ada' }),
      });
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
  });

  test('but the files of a page are', async () => {
    const page = await (await fetch(usual.url)).text();
    const file = /(?:src|href)="\.?\/?(assets\/[^"]+)"/.exec(page)?.[1];
    const answer = await fetch(`${usual.url}/${file}`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toContain('public');
  });
});

describe('are compressed', () => {
  const documented = async ({ url }: CarillonProcess) =>
    (await fetch(`${url}/docs/json`, { headers: COMPRESSES })).headers.get('content-encoding');

  test('where they hold neither secrets nor what strangers chose', async () => {
    expect(await documented(usual)).toMatch(/br|gzip/);
  });

  test('nowhere with COMPRESSION_LEVEL=0', async () => {
    expect(await documented(plain)).toBeNull();
    const metrics = await fetch(`${plain.opsUrl}/metrics`, { headers: COMPRESSES });
    expect(metrics.headers.get('content-encoding')).toBeNull();
  });

  test('not as an inbox, whatever the level is', async () => {
    for (const carillon of [usual, plain]) {
      await fetch(`${carillon.url}/v1/events`, {
        method: 'POST',
        headers: { ...(await bearer('events:write')), 'content-type': 'application/cloudevents+json' },
        body: JSON.stringify(madeEvent('1', { audience: 'user:ada', data: { body: 'x'.repeat(5_000) } })),
      });
      const inbox = await fetch(`${carillon.url}/v1/inbox`, { headers: await bearer('') });
      expect((await inbox.text()).length).toBeGreaterThan(5_000);
      expect(inbox.headers.get('content-encoding')).toBeNull();
    }
  });

  test('not as what waited for a client that polls', async () => {
    const address = `${usual.url}/socket.io/?EIO=4&transport=polling`;
    const opened = await (await fetch(address, { headers: COMPRESSES })).text();
    const session = `${address}&sid=${JSON.parse(opened.slice(1)).sid}`;
    const cursors = { 'user:ada': { epoch: '0', offset: 0 } };
    await fetch(session, {
      method: 'POST',
      body: `40${JSON.stringify({ token: await tokenFor('ada'), cursors })}`,
    });
    for (let told = ''; !told.includes('"missed"'); ) {
      const answer = await fetch(session, { headers: COMPRESSES });
      told = await answer.text();
      expect(answer.headers.get('content-encoding')).toBeNull();
    }
  });
});
