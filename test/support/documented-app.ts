/**
 * An app that has Carillon's client package installed and consists of examples from the documents. Tests check, build, serve
 * and open it.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { BrowserContextOptions } from 'playwright-core';
import { build } from 'vite';
import { expect, onTestFinished } from 'vitest';
import { JWT_SECRET, startCarillon, tokenFor } from './carillon.ts';
import { launchChromium } from './chromium.ts';
import { watchPage } from './page-watch.ts';
import { madeEvent } from './producer.ts';

const run = promisify(execFile);
const ROOT = new URL('../../', import.meta.url).pathname;
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };
const ALLOWED = { topics: ['*'], publish: ['*'] };

/** The addresses that the documents use for the service and the login. They are replaced by the test's own. */
const SERVICE = 'https://notify.example.com';
const LOGIN = 'https://app.example.com';

const COMPILER_OPTIONS = {
  lib: ['es2023', 'dom', 'dom.iterable'],
  target: 'es2023',
  module: 'esnext',
  moduleResolution: 'bundler',
  jsx: 'react-jsx',
  types: ['node'],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
};

/** The app's files by path. Each `<page>/index.html` is a page. */
export type AppFiles = Readonly<Record<string, string>>;

/** `packages`: names, and their paths from the project's root. */
async function install(folder: string, packages: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, path] of Object.entries(packages)) {
    const link = join(folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, path), link);
  }
}

/**
 * MUST be called once per test file, and the caller MUST stop the app. The files may name {@link SERVICE} and {@link
 * LOGIN}.
 */
export async function startDocumentedApp(files: AppFiles) {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-app-'));
  let pages: ReadonlyMap<string, string | Uint8Array> = new Map();
  const server = createServer(async ({ url = '', headers }, response) => {
    const { pathname } = new URL(url, 'http://app');
    // A cookie says whose session it is, as in most apps.
    const user = /user=(\w+)/.exec(headers.cookie ?? '')?.[1] ?? '';
    if (pathname === '/notify-token') return response.end(await tokenFor(user, ALLOWED));
    const page = pages.get(pathname);
    response.setHeader('content-type', TYPES[extname(pathname)] ?? 'application/octet-stream');
    return response.writeHead(page === undefined ? 404 : 200).end(page);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const [browser, carillon] = await Promise.all([
    launchChromium(),
    startCarillon({ JWT_SECRET, ALLOWED_ORIGINS: origin }),
  ]);

  await install(folder, {
    'carillon-client': 'packages/client',
    react: 'node_modules/react',
    'react-dom': 'node_modules/react-dom',
  });
  await install(folder, { '@types': 'node_modules/@types' });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text.replaceAll(SERVICE, carillon.url).replaceAll(LOGIN, origin));
  }

  return {
    carillon,
    /** Rejects with the compiler's output. Checks against the package's published types. */
    async checkTypes(): Promise<void> {
      await writeFile(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: COMPILER_OPTIONS, exclude: ['node_modules'] }),
      );
      const tsc = join(ROOT, 'node_modules/.bin/tsc');
      await run(tsc, ['-p', folder]).catch(({ stdout }) => {
        throw new Error(String(stdout));
      });
    },
    /** Rejects with the bundler's output. */
    async build(): Promise<void> {
      const built = await build({
        configFile: false,
        root: folder,
        logLevel: 'warn',
        build: {
          write: false,
          // The bell needs this version anyway. With an older target, the bundler would rewrite newer syntax.
          target: 'chrome123',
          rolldownOptions: {
            input: Object.keys(files)
              .filter((path) => path.endsWith('index.html'))
              .map((path) => join(folder, path)),
            checks: { pluginTimings: false },
          },
        },
      });
      if (!('output' in built)) throw new Error('the app was not built at once');
      pages = new Map(
        built.output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]),
      );
    },
    /**
     * Opens a page as this user. `begun` resolves when the session with Carillon has begun. `logged`: what the page has
     * logged on its console.
     */
    async open(name: string, user: string, options: BrowserContextOptions = {}) {
      const context = await browser.newContext(options);
      onTestFinished(() => context.close());
      await context.addCookies([{ name: 'user', value: user, url: origin }]);
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const { faults } = watchPage(page);
      const logged: string[] = [];
      page.on('console', (message) => message.type() === 'log' && logged.push(message.text()));
      const begun = new Promise<void>((resolve) => {
        page.on('websocket', (socket) =>
          socket.on('framereceived', ({ payload }) => {
            if (String(payload).startsWith('42["session"')) resolve();
          }),
        );
      });
      await page.goto(`${origin}/${name}/index.html`);
      return { page, faults, logged, begun };
    },
    async publish(audience: string, attributes: Record<string, unknown>): Promise<void> {
      const response = await fetch(`${carillon.url}/v1/events`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await tokenFor('a-service', { scope: 'events:write' })}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(madeEvent(randomUUID(), { audience, ...attributes })),
      });
      expect(response.status).toBe(202);
    },
    async stop(): Promise<void> {
      await browser.close();
      server.closeAllConnections();
      server.close();
      await carillon.stop();
      await rm(folder, { recursive: true });
    },
  };
}
