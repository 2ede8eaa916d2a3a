/** A person's data in embedded mode, by the commands of the page as they stand there. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { admin } from '../../../support/admin.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { connectClient } from '../../../support/client.ts';
import { fencedBlock } from '../../../support/fenced-blocks.ts';

const CLI = new URL('../../../../dist/cli/main.js', import.meta.url).pathname;
const run = promisify(execFile);

let carillon: CarillonProcess;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-person-'));
  carillon = await startCarillon({ JWT_SECRET, FEED_CHECK_SECONDS: '1' });
});
afterAll(async () => {
  await carillon.stop();
  await rm(folder, { recursive: true });
});

async function publish(id: string, audience: unknown): Promise<void> {
  const response = await fetch(`${carillon.url}/v1/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/cloudevents+json',
      authorization: `Bearer ${await tokenFor('p', { scope: 'events:write' })}`,
    },
    body: JSON.stringify({ specversion: '1.0', id, source: '/s', type: 't', audience, data: { title: id } }),
  });
  expect(response.status).toBe(202);
}

test('the commands export what there is and erase it, and the client that is connected is told', async () => {
  const client = connectClient(carillon.url, await tokenFor('42'));
  await client.session();
  await publish('a', ['user:42', 'user:7']);
  await client.received(1);
  const commands = fencedBlock('docs/personal-data.md', 'sh', 'carillon users');
  await run('sh', ['-ec', `carillon() { "${process.execPath}" "${CLI}" "$@"; }\n${commands}`], {
    cwd: folder,
    env: { ...process.env, CARILLON_OPS_URL: carillon.opsUrl, JWT_SECRET },
  });
  expect(JSON.parse(await readFile(join(folder, '42.json'), 'utf8'))).toMatchObject({
    user: '42',
    inbox: [{ id: 'a', data: { title: 'a' } }],
    sessions: [{ transport: 'websocket' }],
  });
  expect(client.goaways).toMatchObject([{ code: 'token_revoked', reconnect: false }]);
  const left = await admin(carillon, 'GET', 'users/42/export');
  expect(left).toMatchObject({ status: 200, answer: { inbox: [], sessions: [], devices: [], repeats: [] } });
  const neighbour = await admin(carillon, 'GET', 'users/export?user=7');
  expect(neighbour).toMatchObject({ status: 200, answer: { inbox: [{ id: 'a' }] } });
});

test.for(['..', 'departments', 'A-Z.a_z~0@9:+-'])('any id is erased: %s', async (user) => {
  await publish('b', [`user:${user}`]);
  const query = new URLSearchParams({ user });
  await expect
    .poll(() => admin(carillon, 'GET', `users/export?${query}`))
    .toMatchObject({ status: 200, answer: { user, inbox: [{ id: 'b' }] } });
  await expect
    .poll(() => admin(carillon, 'DELETE', `users?${query}`), { timeout: 60_000 })
    .toMatchObject({ status: 200, answer: { user, isComplete: true } });
  expect(await admin(carillon, 'GET', `users/export?${query}`)).toMatchObject({ answer: { inbox: [] } });
});

test('nobody without the scope', async () => {
  const token = await tokenFor('7');
  expect(await admin(carillon, 'DELETE', 'users/7', { token })).toMatchObject({ status: 403 });
  expect(await admin(carillon, 'GET', 'users/7/export', { token })).toMatchObject({ status: 403 });
  expect(await admin(carillon, 'DELETE', 'users?user=a,b')).toMatchObject({ status: 400 });
});
