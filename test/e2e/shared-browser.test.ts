/** Files that run in the same process have one Chromium, and MUST notice nothing of each other in it. */
import { expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';

test('callers see nothing of each other, and who closes ends only its own', async ({ onTestFinished }) => {
  const [one, other] = [await launchChromium(), await launchChromium()];
  onTestFinished(async () => {
    await one.close();
    await other.close();
  });
  const [context, otherContext] = [await one.newContext(), await other.newContext()];
  const [page, otherPage] = [await context.newPage(), await otherContext.newPage()];
  const cookie = { name: 'a', value: '1', url: 'http://127.0.0.1/' };
  await context.addCookies([cookie]);
  expect([one.contexts().length, other.contexts().length]).toEqual([1, 1]);
  expect(await otherContext.cookies()).toEqual([]);
  await context.setOffline(true);
  expect(await otherPage.evaluate('navigator.onLine')).toBe(true);

  await other.close();
  expect([one.isConnected(), other.isConnected()]).toEqual([true, false]);
  expect(await page.evaluate('navigator.onLine')).toBe(false);
});
