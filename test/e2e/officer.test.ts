/**
 * A security officer's way, with nothing but the installed package: a secret is replaced without a logout, everybody
 * gets no more than their scope, and a person is exported and erased. All of it is in the audit.
 */
import { randomBytes } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Client } from '../../src/clients/client/client.ts';
import { connect } from '../../src/clients/client/connect.ts';
import { isReady } from '../support/carillon.ts';
import { connectClient, refusalOf } from '../support/client.ts';
import { everythingIn } from '../support/person.ts';
import { freePort } from '../support/ports.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { type Program, startProgram } from '../support/program.ts';
import { freshRedis, freshVhost } from '../support/servers.ts';
import { SignalListener } from '../support/signal-listener.ts';
import { type Folder, freshFolder, type Installed, installService, packInto } from '../support/tarballs.ts';
import { until } from '../support/until.ts';

const PATIENCE_MS = 60_000;
const [OLD, NEW] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
const CONTENT = 'a-very-private-matter';

let folder: Folder;
let installed: Installed;
let backends: Readonly<Record<string, string>>;
let ports: { readonly PORT: string; readonly OPS_PORT: string };
let url: string;
let opsUrl: string;
let producer: Producer;
let audit: SignalListener;
let service: Program | undefined;

beforeAll(async () => {
  folder = await freshFolder();
  await packInto(folder);
  installed = await installService(folder);
  backends = { AMQP_URL: await freshVhost(), REDIS_URL: await freshRedis() };
  ports = { PORT: String(await freePort()), OPS_PORT: String(await freePort()) };
  url = `http://127.0.0.1:${ports.PORT}`;
  opsUrl = `http://127.0.0.1:${ports.OPS_PORT}`;
  await run(OLD);
  producer = new Producer(backends.AMQP_URL ?? '');
  audit = await SignalListener.open(backends.AMQP_URL ?? '', 'carillon.audit.#');
});
afterAll(async () => {
  await Promise.all([audit?.close(), producer?.close()]);
  await service?.stop();
  await folder?.remove();
});

/** Ends the service that runs, and starts it with these secrets on the same ports: a deploy. */
async function run(secrets: string): Promise<void> {
  await service?.interrupt();
  const env = { ...ports, ...backends, HOST: '127.0.0.1', JWT_SECRET: secrets, FEED_CHECK_SECONDS: '1' };
  service = startProgram('node', [installed.main], env, folder.path);
  await until('the service to be ready', PATIENCE_MS, () => isReady({ opsUrl }));
}

/** Runs the installed command; rejects with what it wrote when it fails. */
async function carillon(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const PATH = `${installed.bin}:${process.env.PATH}`;
  return (await folder.run('carillon', args, { PATH, CARILLON_OPS_URL: opsUrl, ...env })).trim();
}

const tokenFor = (user: string, secret: string, ...more: readonly string[]) =>
  carillon(['token', user, ...more], { JWT_SECRET: secret });

function device(token: () => string): { readonly client: Client; readonly states: string[] } {
  const client = connect({ url, token });
  const states: string[] = [];
  client.on('state', (state) =>
    states.push(state.status === 'closed' ? `closed ${state.reason}` : state.status),
  );
  onTestFinished(() => client.close());
  return { client, states };
}

const connected = (client: Client) =>
  until('the session', PATIENCE_MS, () => client.state.status === 'connected');

test('a secret is replaced by two deploys, and nobody is logged out', async () => {
  let token = await tokenFor('ada', OLD);
  const { client, states } = device(() => token);
  await connected(client);
  const restarted = async (secrets: string) => {
    const before = states.filter((state) => state === 'connected').length;
    await run(secrets);
    await until('the next session', PATIENCE_MS, () => {
      return states.filter((state) => state === 'connected').length > before;
    });
  };
  await restarted(`2026-11:${NEW},${OLD}`);
  // From now on tokens are signed with the first.
  token = await tokenFor('ada', `2026-11:${NEW},${OLD}`);
  expect(decodeProtectedHeader(token)).toMatchObject({ kid: '2026-11' });
  await restarted(`2026-11:${NEW}`);
  expect(states.filter((state) => state.startsWith('closed'))).toEqual([]);
});

test('each scope opens what it is for, and no more', async () => {
  const reader = await tokenFor('reader', `2026-11:${NEW}`, '--scope', 'admin:read');
  expect(decodeJwt(reader)).toMatchObject({ scope: 'admin:read' });
  const asReader = { CARILLON_TOKEN: reader };
  expect(await carillon(['dead-letters', 'list'], asReader)).toContain('none');
  await expect(carillon(['users', 'erase', 'ada', '--yes'], asReader)).rejects.toThrow('admin:erase');
  await expect(carillon(['log-level', 'debug'], asReader)).rejects.toThrow('forbidden');
});

test('a person is exported, erased, and known nowhere any more', async () => {
  const secrets = `2026-11:${NEW}`;
  const token = await tokenFor('ada', secrets);
  const { client, states } = device(() => token);
  await connected(client);
  const came = new Promise((resolve) => client.on('notification', ({ id }) => resolve(id)));
  await producer.publish(madeEvent('private', { audience: ['user:ada'], data: { title: CONTENT } }));
  expect(await came).toBe('private');

  const officer = { CARILLON_TOKEN: await tokenFor('officer', secrets, '--scope', 'admin:erase') };
  expect(JSON.parse(await carillon(['users', 'export', 'ada'], officer))).toMatchObject({
    user: 'ada',
    inbox: [{ id: 'private', data: { title: CONTENT } }],
  });
  await carillon(['users', 'erase', 'ada', '--yes'], officer);
  expect(states.at(-1)).toBe('closed token_revoked');
  const left = (await everythingIn(backends.REDIS_URL ?? '')).filter(({ text }) => text.includes(CONTENT));
  expect(left).toEqual([]);

  const refused = connectClient(url, token);
  onTestFinished(() => refused.close());
  expect(await refusalOf(refused)).toMatchObject({ data: { code: 'unauthorized' } });

  const recorded = () => audit.signals.map(({ type, subject }) => `${subject} ${type}`);
  for (const call of ['users.export', 'users.erase'])
    await until(call, PATIENCE_MS, () => recorded().includes(`officer carillon.audit.${call}`));
});
