/** The shop's story: events without an audience become an inbox by routes, and e-mails when nobody came for them. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { run } from '../../examples/orders/story.ts';
import { seriousIn } from '../support/axe.ts';
import { type StoryStage, screenshotPath, stageStory, storyModes } from '../support/story.ts';

/** Within these seconds a busy machine replaces a notification three times, so that only the last one is mailed. */
const UNREACHED_AFTER = '8';
/** So much later a mail is certainly there. */
const MAILED = { timeout: 40_000 };

const stateSchema = z.object({ orders: z.array(z.object({ id: z.string() })) });

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 90_000 });

describe.for(storyModes)('orders, %s', (mode) => {
  let stage: StoryStage;

  beforeAll(async () => {
    stage = await stageStory((environment) => run({ ...environment, UNREACHED_AFTER }), mode);
  });
  afterAll(async () => {
    await stage?.stop();
  });

  /** The shop with the customer online; `isHere` is what the e-mail service says of her. */
  async function openShop(options = {}) {
    const { page, faults, hostnames } = await stage.open('', options);
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
    const isHere = (here: boolean) => page.locator(`[data-watch][data-here="${here}"]`).waitFor();
    const titles = (list: string) => page.locator(`${list} li b`).allTextContents();
    await page.locator('#phone [data-state="connected"]').waitFor();
    await isHere(true);
    return {
      page,
      faults,
      hostnames,
      press,
      inbox: () => titles('[data-inbox]'),
      mails: () => titles('[data-mails]'),
      heard: () => page.locator('[data-log] p').allTextContents(),
      published: () => page.locator('[data-published] code').allTextContents(),
      /** With the number that the new order got. */
      async place(item = 'Teapot'): Promise<string> {
        await page.getByRole('combobox', { name: 'Item' }).selectOption(item);
        const count = await page.locator('[data-order]').count();
        await press('Place order');
        await expect.poll(() => page.locator('[data-order]').count()).toBe(count + 1);
        return (await page.locator('[data-order]').first().getAttribute('data-order')) ?? '';
      },
      async becomes(id: string, status: string) {
        await page.locator(`[data-order="${id}"] [data-status="${status}"]`).waitFor();
      },
      async goOffline() {
        await press('Go offline');
        await page.locator('#phone [data-state="closed"]').waitFor();
        await isHere(false);
      },
      async goOnline() {
        await press('Go online');
        await page.locator('#phone [data-state="connected"]').waitFor();
        await isHere(true);
      },
    };
  }

  /** Of the shop's service; its orders. */
  async function ask(name: string, body: object) {
    const response = await fetch(new URL(`/ask/${name}`, stage.url), {
      method: 'POST',
      body: JSON.stringify(body),
    });
    return stateSchema.parse(await response.json()).orders;
  }

  const about = (id: string, titles: readonly string[]) => titles.filter((title) => title.includes(id));

  test('of one order the inbox shows the newest, as it comes', async () => {
    const shop = await openShop();
    const id = await shop.place();
    await expect.poll(async () => about(id, await shop.inbox())).toEqual([`Order ${id} is placed`]);
    for (const [word, status] of [
      ['Pack', 'packed'],
      ['Ship', 'shipped'],
      ['Say again', 'shipped'],
      ['Deliver', 'delivered'],
    ] as const) {
      await shop.press(`${word} ${id}`);
      await shop.becomes(id, status);
      await expect.poll(async () => about(id, await shop.inbox())).toEqual([`Order ${id} is ${status}`]);
    }
    await expect.poll(async () => (await shop.heard())[0]).toBe(`Live: Order ${id} is delivered`);
    const told = ['delivered', 'shipped', 'shipped', 'packed', 'placed'].map(
      (status) => `order.${status} ${id}`,
    );
    await expect.poll(async () => about(id, await shop.published())).toEqual(told);
    // The button is not there any more: the focus is next to where it was.
    await expect.poll(() => shop.page.evaluate('document.activeElement.ariaLabel')).toBe(`Say again ${id}`);
    expect(await shop.page.getByRole('alert').textContent()).toBe('');
    // What is there already is read in another language, and nothing comes anew.
    await shop.page.getByLabel('Reads').selectOption('zh');
    expect(about(id, await shop.inbox())).toEqual([`订单 ${id} 已送达`]);
    await shop.page.getByLabel('Reads').selectOption('ar');
    const direction = `getComputedStyle(document.querySelector('[data-inbox] li b:lang(ar)')).direction`;
    expect(await shop.page.evaluate(direction)).toBe('rtl');
    await shop.page.getByLabel('Reads').selectOption('en');
    expect(about(id, await shop.inbox())).toEqual([`Order ${id} is delivered`]);
    expect([...shop.hostnames]).toEqual(['127.0.0.1']);
    expect(shop.faults).toEqual([]);
  });

  test('what was wrong is taken back, and what was true before is said again', async () => {
    const shop = await openShop();
    const id = await shop.place();
    await shop.press(`Pack ${id}`);
    await shop.becomes(id, 'packed');
    await shop.press(`Cancel ${id}`);
    await expect.poll(async () => about(id, await shop.inbox())).toEqual([`Order ${id} is cancelled`]);
    await shop.press(`Take back ${id}`);
    await expect.poll(async () => about(id, await shop.inbox())).toEqual([`Order ${id} is packed`]);
    await expect.poll(shop.heard).toContain(`Taken back: Order ${id} is cancelled`);
    const told = ['order.packed', 'carillon.retract', 'order.cancelled', 'order.packed', 'order.placed'];
    await expect
      .poll(async () => about(id, await shop.published()))
      .toEqual(told.map((type) => `${type} ${id}`));

    const never = await shop.place('Garden chair');
    await expect.poll(async () => about(never, await shop.inbox())).toHaveLength(1);
    await shop.press(`Take back ${never}`);
    await expect.poll(async () => about(never, await shop.inbox())).toEqual([]);
    // The inbox as Carillon has it says the same.
    await shop.page.reload();
    await expect.poll(async () => about(id, await shop.inbox())).toEqual([`Order ${id} is packed`]);
    expect(about(never, await shop.inbox())).toEqual([]);
    expect(shop.faults).toEqual([]);
  });

  test('what nobody came for is mailed once, but not what was replaced or taken back', async () => {
    const shop = await openShop();
    const first = await shop.place();
    await expect.poll(async () => about(first, await shop.inbox())).toHaveLength(1);
    await shop.goOffline();
    // Without the page between: each has to be there before the one that it replaces is due.
    for (const status of ['packed', 'shipped', 'cancelled']) await ask('set', { id: first, status });
    await ask('takeBack', { id: first });
    const never = (await ask('place', { item: 'Garden chair' })).at(-1)?.id ?? '';
    await ask('takeBack', { id: never });
    const second = await shop.place('Reading lamp');
    // Notifications are looked at in their order: all that there is about the first is here before this.
    await expect
      .poll(async () => about(second, await shop.mails()), MAILED)
      .toEqual([`Order ${second} is placed`]);
    expect(about(first, await shop.mails())).toEqual([`Order ${first} is shipped`]);
    expect(about(never, await shop.mails())).toEqual([]);
    // She has not seen any of it on the phone.
    expect(about(first, await shop.inbox())).toEqual([`Order ${first} is placed`]);

    await shop.goOnline();
    await expect.poll(async () => about(second, await shop.inbox())).toEqual([`Order ${second} is placed`]);
    await expect.poll(async () => about(first, await shop.inbox())).toEqual([`Order ${first} is shipped`]);
    await expect.poll(shop.heard).toContain(`Afterwards: Order ${second} is placed`);
    expect(shop.faults).toEqual([]);
  });

  test('who is there gets no e-mail', async () => {
    const shop = await openShop();
    const here = await shop.place('Reading lamp');
    await expect.poll(async () => about(here, await shop.inbox())).toHaveLength(1);
    await shop.goOffline();
    const away = await shop.place();
    await expect.poll(async () => about(away, await shop.mails()), MAILED).toHaveLength(1);
    expect(about(here, await shop.mails())).toEqual([]);
    expect(shop.faults).toEqual([]);
  });

  test('fits into 360 pixels, is there in the dark, and has nothing that axe finds serious', async () => {
    const shop = await openShop({ viewport: { width: 1240, height: 800 } });
    const { page } = shop;
    const id = await shop.place('Garden chair');
    await shop.press(`Pack ${id}`);
    await shop.becomes(id, 'packed');
    await shop.goOffline();
    await shop.press(`Ship ${id}`);
    await expect.poll(async () => about(id, await shop.mails()), MAILED).toHaveLength(1);
    await shop.goOnline();
    await expect.poll(async () => about(id, await shop.inbox())).toEqual([`Order ${id} is shipped`]);
    expect(await seriousIn(page)).toEqual([]);
    await page.screenshot({ path: screenshotPath('orders'), fullPage: true });
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await seriousIn(page)).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    await page.screenshot({ path: screenshotPath('orders-phone'), fullPage: true });
    expect(shop.faults).toEqual([]);
  });
});
