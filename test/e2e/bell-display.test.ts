/** What routes show in the bell: each reader in their own language, of the same events, with pictures and links. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { seriousIn } from '../support/axe.ts';
import { type BellStage, startBellStage } from '../support/bell-stage.ts';

const ROUTES = `
routes:
  - type: order.shipped
    severity: success
    display:
      title: { en: "Order {data.id} has shipped", zh: "订单 {data.id} 已发货", ar: "تم شحن الطلب {data.id}" }
      body: { en: "By {data.carrier}.", zh: "由{data.carrier}承运。", ar: "عبر {data.carrier}." }
      url: "/orders/{data.id}"
      image: "{data.picture}"
`;
const PICTURE = '/picture.svg';
const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" fill="teal"/></svg>';

const screenshot = (name: string) =>
  new URL(`../artifacts/bell-display-${name}.png`, import.meta.url).pathname;

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

let stage: BellStage;

beforeAll(async () => {
  stage = await startBellStage(600, ROUTES);
});
afterAll(async () => {
  await stage?.stop();
});

const shipped = (user: string, id: string, data: object = {}) =>
  stage.send(user, `shipped ${id}`, { type: 'order.shipped', data: { id, carrier: 'DHL', ...data } });

async function openReader(user: string, lang: string, options = {}) {
  const bell = await stage.open(user, { lang }, { locale: 'en-GB', ...options });
  await bell.page.route(`**${PICTURE}`, (route) =>
    route.fulfill({ contentType: 'image/svg+xml', body: SVG }),
  );
  return bell;
}

/** What is seen and not only read out. */
const textIn = (selector: string) =>
  `[...bell.shadowRoot.querySelectorAll('${selector}')].map((one) => [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join(''))`;

test('one event is a toast and a line in the language of each reader', async () => {
  const user = 'reader';
  const readers = await Promise.all(['en', 'zh-TW', 'ar'].map((lang) => openReader(user, lang)));
  await shipped(user, 'A7');
  const texts = [
    ['en', 'Order A7 has shipped', 'By DHL.'],
    ['zh', '订单 A7 已发货', '由DHL承运。'],
    ['ar', 'تم شحن الطلب A7', 'عبر DHL.'],
  ] as const;
  for (const [i, { page, button, items, faults }] of readers.entries()) {
    const [language, title, body] = texts[i] ?? [];
    await button.click();
    await items.first().waitFor();
    expect(await page.evaluate(textIn('.item .title'))).toEqual([title]);
    expect(await page.evaluate(textIn('.item .body'))).toEqual([body]);
    expect(await items.locator('.title').getAttribute('lang')).toBe(language);
    expect(await items.locator('.title').getAttribute('href')).toBe(`${stage.app.origin}/orders/A7`);
    expect(await items.getAttribute('data-severity')).toBe('success');
    const direction = `getComputedStyle(bell.shadowRoot.querySelector('.item .title')).direction`;
    expect(await page.evaluate(direction)).toBe(language === 'ar' ? 'rtl' : 'ltr');
    expect(faults).toEqual([]);
  }
  const [first] = readers;
  // Another language of the page is the list's at once.
  await first?.page.evaluate(`bell.setAttribute('lang', 'zh')`);
  await expect.poll(() => first?.page.evaluate(textIn('.item .title'))).toEqual(['订单 A7 已发货']);
});

test('toasts say it too, and each field that no route gives is what the data says', async () => {
  const user = 'toasted';
  const { page, toasts } = await openReader(user, 'zh');
  await shipped(user, 'B1', { title: 'Not shown' });
  await toasts.first().waitFor();
  expect(await page.evaluate(textIn('.toast .title'))).toEqual(['订单 B1 已发货']);
  await stage.send(user, 'plain', { type: 'order.created', data: {} });
  await expect.poll(() => toasts.count()).toBe(2);
  expect(await page.evaluate(textIn('.toast .title'))).toEqual(['订单 B1 已发货', 'Order created']);
});

test('pictures are shown, and those that cannot be vanish', async () => {
  const user = 'viewer';
  const options = { viewport: { width: 700, height: 560 }, deviceScaleFactor: 2 };
  const { page, button, items, panel } = await openReader(user, 'en', options);
  await page.route('**/gone.png', (route) => route.abort());
  await shipped(user, 'C1', { picture: PICTURE });
  await shipped(user, 'C2', { picture: '/gone.png' });
  await shipped(user, 'C3', { picture: 'javascript:alert(1)' });
  await button.click();
  await expect.poll(() => items.count()).toBe(3);
  await expect.poll(() => panel.locator('.image').count()).toBe(1);
  const image = panel.locator('.image');
  expect(await image.getAttribute('src')).toBe(`${stage.app.origin}${PICTURE}`);
  expect(await image.getAttribute('loading')).toBe('lazy');
  expect(await image.getAttribute('alt')).toBe('');
  expect(await seriousIn(page)).toEqual([]);
});

test.each([
  ['light', 'en', { colorScheme: 'light', viewport: { width: 700, height: 560 } }],
  ['dark', 'zh', { colorScheme: 'dark', viewport: { width: 700, height: 560 } }],
  ['phone-rtl', 'ar', { colorScheme: 'light', viewport: { width: 360, height: 640 } }],
] as const)('looks right: %s', async (name, lang, options) => {
  const user = `looker-${name}`;
  const { page, button, items } = await openReader(user, lang, { ...options, deviceScaleFactor: 2 });
  await page.evaluate(`Object.assign(document.documentElement.style, {
    colorScheme: 'light dark', font: '16px system-ui', background: 'light-dark(#f7f5f1, #141311)',
  })`);
  if (lang === 'ar') await page.evaluate(`document.documentElement.dir = 'rtl'`);
  await shipped(user, 'D1', { picture: PICTURE });
  await shipped(user, 'D2');
  await stage.send(user, 'mixed', { data: { title: 'مرحبا بكم', body: 'Mixed with English' } });
  await button.click();
  await expect.poll(() => items.count()).toBe(3);
  await page.evaluate(`bell.shadowRoot.querySelector('.item .image').decode()`);
  await page.screenshot({ path: screenshot(name) });
  expect(await seriousIn(page)).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
});
