/** The pages, scripts and styles in the documents, as they stand there: their types are right, and they do what is said. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tokenFor } from '../support/carillon.ts';
import { startDocumentedApp } from '../support/documented-app.ts';
import { fencedBlock, fencedBlocksIn } from '../support/fenced-blocks.ts';
import { pngOf } from '../support/png.ts';

const READMES = ['README.md', 'README.zh.md'] as const;
const [CLIENT, BELL, PACKAGES] = ['docs/client.md', 'docs/bell.md', 'docs/packages.md'] as const;

const page = (body: string) => `<!doctype html><html>
<head><meta charset="utf-8" /><link rel="icon" href="data:," /><title>App</title></head><body>${body}</body></html>`;
const program = (name: string) => `<script type="module" src="./${name}"></script>`;

/** The document's client, and what is shown of it later on. */
const withClient = (text: string) =>
  `${fencedBlock(CLIENT, 'ts', "carillon.on('toast'")}\n${fencedBlock(CLIENT, 'ts', text)}`;

const SCRIPTS: Readonly<Record<string, string>> = {
  client: fencedBlock(CLIENT, 'ts', "carillon.on('toast'"),
  bytes: withClient('bytesOf'),
  texts: withClient('titleLanguage'),
  loop: withClient('for await'),
  topics: withClient('carillon.publish('),
  storage: fencedBlock(CLIENT, 'ts', 'AsyncStorage'),
  words: fencedBlock(BELL, 'ts', 'Words'),
};

/** What a React Native app brings along. */
const ASYNC_STORAGE = `
export default {
  getItem: async (key: string): Promise<string | null> => localStorage.getItem('async ' + key),
  setItem: async (key: string, value: string): Promise<void> => localStorage.setItem('async ' + key, value),
};`;

const SHOW_INBOX = `
import { createRoot } from 'react-dom/client';
import { Inbox } from './example.tsx';
createRoot(document.querySelector('main')!).render(<Inbox />);`;

let app: Awaited<ReturnType<typeof startDocumentedApp>>;

beforeAll(async () => {
  const token = await tokenFor('bell');
  const pages = Object.entries(SCRIPTS).map(([name, script]) => ({
    [`${name}/index.html`]: page(`<h1></h1><img alt="" />${program('example.ts')}`),
    [`${name}/example.ts`]: script,
  }));
  const readmes = READMES.map((file) => ({
    [`${file}/bell/index.html`]: page(fencedBlock(file, 'html', 'carillon-bell').replace('…', token)),
    [`${file}/client/index.html`]: page(program('example.ts')),
    [`${file}/client/example.ts`]: fencedBlock(file, 'ts', 'connect'),
  }));
  const style = `<style>:root { color-scheme: light dark } ${fencedBlock(BELL, 'css', '::part')}</style>`;
  app = await startDocumentedApp(
    Object.assign({}, ...pages, ...readmes, {
      'bell/index.html': page(style + fencedBlock(BELL, 'html', 'getToken')),
      'packages/index.html': page(fencedBlock(PACKAGES, 'html', 'getToken')),
      'react/index.html': page(`<main></main>${program('main.tsx')}`),
      'react/main.tsx': SHOW_INBOX,
      'react/example.tsx': fencedBlock(BELL, 'tsx', 'useCarillon'),
      'node_modules/@react-native-async-storage/async-storage/index.ts': ASYNC_STORAGE,
    }),
  );
  await app.build();
});
afterAll(() => app?.stop());

test('their types are right', () => app.checkTypes());

test('none is left out', () => {
  const languages = ['ts', 'tsx', 'html', 'css'];
  expect(fencedBlock(PACKAGES, 'html', 'token=').trim()).toBe(fencedBlock('README.md', 'html', 'token='));
  const blocks = [...READMES, CLIENT, BELL, PACKAGES]
    .flatMap(fencedBlocksIn)
    .filter(({ language }) => languages.includes(language));
  expect(blocks).toHaveLength(2 * READMES.length + 6 + 4 + 2);
});

test.for(READMES)('%s: a bell in one line', async (file) => {
  const { page, faults, begun } = await app.open(`${file}/bell`, '');
  await begun;
  await app.publish('user:bell', { data: { title: file } });
  await page.locator('carillon-bell .toast').getByText(file).waitFor();
  await page.getByRole('button', { name: file === 'README.md' ? 'Notifications' : '通知' }).waitFor();
  expect(faults).toEqual([]);
});

test.for([...READMES.map((file) => `${file}/client`), 'client'])('%s: a client', async (name) => {
  const user = name.replaceAll(/\W/g, '');
  const { faults, logged, begun } = await app.open(name, user);
  await begun;
  await app.publish(`user:${user}`, { data: { title: 'Hello', body: 'there' } });
  await expect.poll(() => logged).toContain(name === 'client' ? 'user:client Hello' : `user:${user} 1 Hello`);
  if (name === 'client') await expect.poll(() => logged).toContain('toast: Hello there');
  expect(faults).toEqual([]);
});

test(`${PACKAGES}: the bell that the service itself serves, and its version`, async () => {
  const { page, faults, logged, begun } = await app.open('packages', 'packages');
  await begun;
  await app.publish('user:packages', { data: { title: 'plain page' } });
  await page.locator('carillon-bell .toast').getByText('plain page').waitFor();
  expect(logged).toContainEqual(expect.stringMatching(/^\d+\.\d+\.\d+-[\da-f]{12}$/));
  expect(faults).toEqual([]);
});

test(`${CLIENT}: bytes`, async () => {
  const { page, faults, begun } = await app.open('bytes', 'bytes');
  await begun;
  const picture = { datacontenttype: 'image/png', data_base64: pngOf(23, 7).toString('base64') };
  await app.publish('user:bytes', { data: undefined, ...picture });
  await page.waitForFunction('document.querySelector("img").naturalWidth === 23');
  expect(faults).toEqual([]);
});

test(`${CLIENT}: texts`, async () => {
  const { page, faults, begun } = await app.open('texts', 'texts');
  await begun;
  await app.publish('user:texts', { type: 'order.created', data: {} });
  await page.locator('h1[dir=auto]').getByText('Order created').waitFor();
  expect(faults).toEqual([]);
});

test(`${CLIENT}: a loop`, async () => {
  const { faults, logged, begun } = await app.open('loop', 'loop');
  await begun;
  await app.publish('user:loop', { data: { title: 'one' } });
  await app.publish('user:loop', { data: { title: 'two' } });
  await expect.poll(() => logged.filter((line) => !line.includes(' '))).toEqual(['one', 'two']);
  expect(faults).toEqual([]);
});

test(`${CLIENT}: topics`, async () => {
  await app.publish('topic:chat.lobby', { data: { title: 'Earlier' } });
  const { faults, logged } = await app.open('topics', 'topics');
  const told = () => logged.filter((line) => line.startsWith('topic:'));
  await expect.poll(told).toEqual(['topic:chat.lobby Earlier', 'topic:chat.lobby Hello']);
  await app.publish('topic:ticker.btc-usd', { data: { title: 'left' } });
  await app.publish('topic:chat.lobby', { data: { title: 'later' } });
  await expect.poll(() => told().at(-1)).toBe('topic:chat.lobby later');
  expect(told()).toHaveLength(3);
  expect(faults).toEqual([]);
});

test(`${CLIENT}: storage`, async () => {
  const { page, faults, begun } = await app.open('storage', 'storage');
  await begun;
  await app.publish('user:storage', { data: { title: 'kept' } });
  const kept = () =>
    page.evaluate(`Object.entries(localStorage)
      .filter(([key]) => key.startsWith('async '))
      .map(([, value]) => JSON.parse(value)['user:storage']?.offset)`);
  await expect.poll(kept).toEqual([1]);
  expect(faults).toEqual([]);
});

test(`${BELL}: a bell that gets its tokens, and its looks`, async () => {
  const { page, faults, begun } = await app.open('bell', 'looks', { colorScheme: 'dark' });
  await begun;
  await app.publish('user:looks', { data: { title: 'plain' } });
  await app.publish('user:looks', { data: { title: 'urgent' }, severity: 'critical' });
  await page.getByRole('button', { name: 'Notifications, 2 new' }).click();
  const styleOf = (part: string, name: string) =>
    page.evaluate(
      `getComputedStyle(document.querySelector('carillon-bell').shadowRoot.querySelector('${part}')).${name}`,
    );
  await expect.poll(() => styleOf('.read-all', 'color')).toBe('rgb(99, 207, 224)');
  await page.emulateMedia({ colorScheme: 'light' });
  await expect.poll(() => styleOf('.read-all', 'color')).toBe('rgb(11, 107, 125)');
  expect(await styleOf('.item.critical', 'fontWeight')).toBe('600');
  expect(await styleOf('.item.info', 'fontWeight')).toBe('400');
  expect(faults).toEqual([]);
});

test(`${BELL}: words`, async () => {
  const { page, faults } = await app.open('words', 'words');
  const attributes = { url: app.carillon.url, token: await tokenFor('words') };
  await page.evaluate(`{
    document.documentElement.lang = 'fr';
    document.body.append(Object.assign(document.createElement('carillon-bell'), ${JSON.stringify(attributes)}));
  }`);
  await page.getByRole('button', { name: 'Notifications, rien de nouveau' }).click();
  await page.getByText('Rien pour le moment').waitFor();
  expect(faults).toEqual([]);
});

test(`${BELL}: the hooks`, async () => {
  const { page, faults, begun } = await app.open('react', 'react');
  await begun;
  await app.publish('user:react', { data: { title: 'Shipped' } });
  await page.getByText('1 new, and').waitFor();
  // Until the topic is entered nothing of it comes.
  await expect
    .poll(async () => {
      await app.publish('topic:ticker.btc-usd', { data: { price: 97_000 } });
      return await page.locator('h2').textContent();
    })
    .toBe('1 new, and a bitcoin is 97000');
  await page.getByText('Shipped').click();
  await page.getByText('0 new, and').waitFor();
  expect(faults).toEqual([]);
});
