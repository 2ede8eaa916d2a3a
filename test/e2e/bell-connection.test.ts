/** The bell's connection: lost and back, tokens that end, another user, moved in the page and taken out of it. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type BellStage, startBellStage } from '../support/bell-stage.ts';

/** Each is renewed at half of its life: the other half is what a busy machine may take. */
const TOKEN_SECONDS = 24;

// Pages are drawn without a graphics card, and other tests run beside these.
vi.setConfig({ testTimeout: 120_000 });

let stage: BellStage;

beforeAll(async () => {
  stage = await startBellStage(TOKEN_SECONDS);
});

afterAll(async () => {
  await stage?.stop();
});

/** Puts what tells it apart from any other on the client, to know it again. */
const SIGN =
  'window.sign = bell.client; bell.client.on("state", ({ status }) => { window.signed = status; }); undefined';
const IS_SAME = 'window.sign === bell.client && window.signed === undefined';

test('without a connection it says when it tries again, and afterwards how many came meanwhile', async () => {
  const { page, context, button, badge, panel, toasts, titles } = await stage.open('ada');
  await stage.send('ada', 'before');
  await toasts.getByText('before').waitFor();
  await stage.goOffline(context);
  await page.waitForFunction('bell.client.state.status === "waiting"');
  // What is seen now is told to the server only afterwards, and MUST NOT mean what came between.
  await button.click();
  await badge.waitFor({ state: 'hidden' });
  await panel.getByText(/^No connection\. Next try in \d+ s$/).waitFor();
  await expect.poll(() => button.getAttribute('part')).toBe('button offline');
  await page.keyboard.press('Escape');

  for (let n = 1; n <= 5; n += 1) await stage.send('ada', `missed ${n}`);
  await context.setOffline(false);
  await toasts.getByText('5 new notifications').waitFor();
  expect(await toasts.count()).toBe(1);
  await expect.poll(() => badge.textContent()).toBe('5');
  await expect.poll(() => button.getAttribute('part')).toBe('button');
  expect(await page.evaluate('told.states')).toEqual(
    expect.arrayContaining(['connected', 'waiting', 'connecting']),
  );

  await toasts.getByText('5 new notifications').click();
  await titles.getByText('missed 5').waitFor();
  await badge.waitFor({ state: 'hidden' });
  expect(await titles.allTextContents()).toEqual(
    ['missed 5', 'missed 4', 'missed 3', 'missed 2', 'missed 1', 'before'].map(
      (title) => `Information: ${title}, Unread`,
    ),
  );
  await panel.locator('.connection').waitFor({ state: 'hidden' });
});

test('it is back at once when there is a network again: no pause has to end', async () => {
  const { page, context } = await stage.open('online');
  // None ends by itself.
  await page.evaluate(
    '{ const real = setTimeout; window.setTimeout = (run, ms = 0) => real(run, ms < 400 ? ms : 2 ** 30); } undefined',
  );
  await stage.goOffline(context);
  await page.waitForFunction('bell.client.state.status === "waiting"');
  await context.setOffline(false);
  await page.waitForFunction('bell.client.state.status === "connected"');
});

test('of one that was missed it shows the toast itself', async () => {
  const { toasts, page, context } = await stage.open('single');
  await stage.goOffline(context);
  await page.waitForFunction('bell.client.state.status === "waiting"');
  await stage.send('single', 'alone');
  await context.setOffline(false);
  await toasts.getByText('Information: alone').waitFor();
});

test('asks for a fresh token in time, and stays connected', async () => {
  const { page, toasts } = await stage.open('lasting');
  await page.evaluate(SIGN);
  const given = stage.app.tokensGiven.length;
  await expect.poll(() => stage.app.tokensGiven.length, { timeout: 60_000 }).toBeGreaterThan(given + 1);
  await stage.send('lasting', 'still here');
  await toasts.getByText('still here').waitFor();
  expect(await page.evaluate(IS_SAME)).toBe(true);
  expect(await page.evaluate('told.errors')).toEqual([]);
});

describe('in the page', () => {
  test('moves with its connection, its properties and its open panel, and rings there', async () => {
    const { page, badge, panel, toasts } = await stage.open('mover');
    await page.evaluate(SIGN);
    await page.evaluate('window.getToken = bell.getToken; bell.open = true; undefined');
    await panel.waitFor();
    await page.evaluate('document.querySelector("main").append(bell)');
    expect(await panel.isVisible()).toBe(true);
    await page.evaluate('bell.open = false');
    await panel.waitFor({ state: 'hidden' });
    await stage.send('mover', 'moved');
    await toasts.getByText('moved').waitFor();
    await page.evaluate('document.querySelector("header").append(bell)');
    expect(await toasts.getByText('moved').isVisible()).toBe(true);
    await expect.poll(() => badge.textContent()).toBe('1');
    expect(await page.evaluate(`${IS_SAME} && bell.getToken === window.getToken`)).toBe(true);
    expect(await page.evaluate('Object.keys(bell)')).toEqual([]);
  });

  test('closes when it is taken out, and connects anew when it is put back', async () => {
    const { page, badge } = await stage.open('leaver');
    await page.evaluate(SIGN);
    await page.evaluate('bell.remove()');
    await expect.poll(() => page.evaluate('window.signed')).toBe('closed');
    expect(await page.evaluate('bell.client')).toBe(undefined);
    await stage.send('leaver', 'meanwhile');
    await page.evaluate('document.body.append(bell)');
    await expect.poll(() => badge.textContent()).toBe('1');
  });

  test('becomes the bell of another user with another token', async () => {
    const { page, badge, button, titles } = await stage.open('first-user');
    await stage.send('first-user', 'for the first');
    await stage.send('second-user', 'for the second');
    await expect.poll(() => badge.textContent()).toBe('1');
    await page.evaluate(`(async () => {
      const token = await (await fetch('/token?user=second-user')).text();
      bell.getToken = undefined;
      bell.setAttribute('token', token);
    })()`);
    await button.click();
    await titles.getByText('for the second').waitFor();
    expect(await titles.count()).toBe(1);

    await page.evaluate('bell.removeAttribute("token")');
    await expect.poll(() => titles.count()).toBe(0);
    expect(await page.evaluate('bell.client')).toBe(undefined);
  });

  test('is defined once, however often a page has it', async () => {
    const { page, faults } = await stage.open('twice');
    await page.evaluate('window.first = customElements.get("carillon-bell"); undefined');
    await page.evaluate('window.secondScript = import("/app.js?again")');
    await page.evaluate('window.secondScript');
    expect(await page.evaluate('bell instanceof window.first && window.first === bell.constructor')).toBe(
      true,
    );
    expect(faults).toEqual([]);
  });

  test('can be imported where there is no page', async () => {
    const module: object = await import(
      new URL('../../packages/client/dist/clients/bell/bell.js', import.meta.url).href
    );
    expect(Object.keys(module)).toEqual(['CarillonBell']);
  });
});
