/**
 * The tarballs, installed as their users do: the service and its command line without any registry, and the client in
 * apps of Vite with React and with Vue, in Node, and on a server.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { extname, join } from 'node:path';
import type { Browser } from 'playwright-core';
import { publint } from 'publint';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { isReady, JWT_SECRET, tokenFor } from '../support/carillon.ts';
import { launchChromium } from '../support/chromium.ts';
import { CONSUMER_APPS } from '../support/consumer-apps.ts';
import { watchServer } from '../support/contracts/watch.ts';
import { fencedBlock } from '../support/fenced-blocks.ts';
import { watchPage } from '../support/page-watch.ts';
import { freePort } from '../support/ports.ts';
import { madeEvent } from '../support/producer.ts';
import { type Program, startProgram } from '../support/program.ts';
import {
  type Folder,
  freshFolder,
  type Installed,
  installService,
  packInto,
  whyNotInstalled,
} from '../support/tarballs.ts';
import { until } from '../support/until.ts';

const ROOT = new URL('../../', import.meta.url).pathname;
const PAGE = 'docs/packages.md';
const READY_MS = 60_000;

const manifestSchema = z.looseObject({
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});
const manifestOf = (folder: string) =>
  manifestSchema.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
const own = manifestOf(ROOT);
const VERSION = own.version;

let folder: Folder;
let names: readonly string[];
let pages: Server;
let origin: string;
let service: Program;
let url: string;

/** The files of apps that were built: `/react/`, `/vue/`. */
function servePages(): Promise<Server> {
  const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://app');
    const [, app = '', rest = ''] = /^\/(\w+)\/(.*)$/.exec(pathname) ?? [];
    const file = join(folder.path, app, 'dist', rest || 'index.html');
    const content = await readFile(file).catch(() => undefined);
    response.writeHead(content === undefined ? 404 : 200, { 'content-type': types[extname(file)] ?? '' });
    response.end(content);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

beforeAll(async () => {
  folder = await freshFolder();
  names = await packInto(folder);
  pages = await servePages();
  const address = pages.address();
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(async () => {
  await service?.stop();
  pages?.closeAllConnections();
  pages?.close();
  await folder?.remove();
});

async function publish(user: string, title: string): Promise<void> {
  const authorization = `Bearer ${await tokenFor('shop', { scope: 'events:write' })}`;
  const body = JSON.stringify(madeEvent(title, { audience: `user:${user}`, data: { title } }));
  const headers = { authorization, 'content-type': 'application/json' };
  const { status } = await fetch(`${url}/v1/events`, { method: 'POST', headers, body });
  expect(status).toBe(202);
}

test('are two, of one version, and publint finds nothing', async () => {
  expect(names).toEqual([`carillon-${VERSION}.tgz`, `carillon-client-${VERSION}.tgz`]);
  expect(manifestOf(join(ROOT, 'packages/client')).version).toBe(VERSION);
  for (const name of names) {
    const bytes = await readFile(join(folder.path, 'vendor', name));
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    expect((await publint({ pack: { tarball }, strict: true })).messages, name).toEqual([]);
  }
});

describe('the service', () => {
  let installed: Installed;
  beforeAll(async () => {
    installed = await installService(folder);
    const [port, opsPort] = [await freePort(), await freePort()];
    url = `http://127.0.0.1:${port}`;
    const opsUrl = `http://127.0.0.1:${opsPort}`;
    await watchServer(url, opsUrl);
    const env = { PORT: String(port), OPS_PORT: String(opsPort), HOST: '127.0.0.1', JWT_SECRET };
    service = startProgram('node', [installed.main], { ...env, ALLOWED_ORIGINS: origin }, folder.path);
    await until('the installed service to be ready', READY_MS, () => isReady({ opsUrl }));
  });

  test('is one package, which is for this Node and asks no registry', () => {
    expect(installed.said).toMatch(/^added 1 package in/m);
    expect(installed.said).not.toContain('EBADENGINE');
    expect(installed.said).toMatch(new RegExp(`^${VERSION.replaceAll('.', '\\.')}$`, 'm'));
  });

  test('runs with the versions that were tested, and npm finds each where it belongs', async () => {
    const modules = join(installed.folder, 'node_modules');
    for (const name of ['ws', 'engine.io', 'socket.io', 'amqplib', 'ioredis']) {
      const tested = manifestOf(join(ROOT, 'node_modules', name)).version;
      expect(manifestOf(join(modules, name)).version, name).toBe(tested);
    }
    const paths = await readdir(modules, { recursive: true });
    expect(paths.filter((path) => /(^|node_modules\/)ws\/package\.json$/.test(path))).toEqual([
      'ws/package.json',
    ]);
    // Fails for a version that a package did not ask for.
    await folder.run('npm', ['ls', '--global', '--all'], {
      npm_config_prefix: installed.prefix,
    });
  });

  test.for(['/client/bell.js', '/docs/', '/docs/static/swagger-ui.css'])('serves %s', async (path) => {
    const response = await fetch(`${url}${path}`);
    expect([response.status, (await response.text()).length > 0]).toEqual([200, true]);
  });
});

describe('the client', () => {
  let missing: string | undefined;
  let browser: Browser;

  beforeAll(async () => {
    const {
      react = '',
      'react-dom': reactDom = '',
      vite = '',
      '@types/react': types = '',
    } = own.devDependencies;
    await folder.write({
      'package.json': JSON.stringify({
        private: true,
        type: 'module',
        dependencies: { react, 'react-dom': reactDom, vue: '^3.5.0' },
        devDependencies: { vite, '@vitejs/plugin-vue': '^6.0.0', '@types/react': types },
      }),
      ...CONSUMER_APPS,
    });
    missing = await whyNotInstalled(folder, fencedBlock(PAGE, 'sh', 'vendor'));
    if (missing !== undefined) return;
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  beforeEach(({ skip }) => {
    if (missing !== undefined) skip(missing);
  });

  test('depends on socket.io-client alone', async () => {
    const { dependencies } = manifestOf(join(folder.path, 'node_modules/carillon-client'));
    expect(Object.keys(dependencies)).toEqual(['socket.io-client']);
    for (const name of ['zod', 'fastify', 'amqplib'])
      expect(existsSync(join(folder.path, 'node_modules', name)), name).toBe(false);
  });

  test('has types that know what they say, without another package', async () => {
    await folder.run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', '.']);
  });

  test.for(['react', 'vue'])('in an app of Vite and %s', async (app) => {
    await folder.run('node_modules/.bin/vite', ['build', app, '--logLevel', 'warn']);
    const opened = await browser.newPage();
    onTestFinished(() => opened.close());
    opened.setDefaultTimeout(40_000);
    const { faults } = watchPage(opened);
    const token = await tokenFor(app);
    await opened.goto(`${origin}/${app}/#${new URLSearchParams({ url, token })}`);
    const shown = app === 'react' ? '0 new' : 'nothing yet';
    await opened.getByRole('heading', { name: shown }).waitFor();
    await publish(app, `for ${app}`);
    await opened.getByText(`for ${app}`).first().waitFor();
    expect(faults).toEqual([]);
  });

  test('in a script of Node', async () => {
    const env = { CARILLON_URL: url, TOKEN: await tokenFor('script') };
    const script = startProgram('node', ['script.mjs'], env, folder.path);
    onTestFinished(() => script.stop());
    await script.prints(/^connected as script$/);
    await publish('script', 'for a script');
    await script.prints(/^for a script$/);
    expect(await script.end()).toBe(0);
  });

  test('on a server, where it connects to nothing', async () => {
    expect(await folder.run('node', ['server.mjs'])).toBe('<p>0 new, connecting</p>\n');
  });
});
