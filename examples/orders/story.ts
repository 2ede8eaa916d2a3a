/** Orders: a shop's domain events become a customer's inbox by routes, and e-mails when nobody came for them. */
import { fileURLToPath } from 'node:url';
import type { Environment } from '../support/service.ts';
import { type RunningStory, startStory } from '../support/story.ts';
import { startMailer } from './mailer.ts';
import { Shop } from './shop.ts';

export async function run(environment?: Environment): Promise<RunningStory> {
  const story = await startStory({
    name: 'orders',
    page: { claims: (user) => (user === 'clerk' ? { topics: ['mailbox'] } : {}) },
    settings: {
      ROUTES_FILE: fileURLToPath(new URL('routes.yaml', import.meta.url)),
      UNREACHED_AFTER: (environment ?? process.env).UNREACHED_AFTER ?? '3',
    },
    environment,
  });
  await startMailer(story).catch(async (error) => {
    await story.stop();
    throw error;
  });
  const shop = new Shop(story.publish);
  story.answer('orders', () => shop.state);
  story.answer('place', (body) => shop.place(body));
  story.answer('set', (body) => shop.set(body));
  story.answer('repeat', (body) => shop.repeat(body));
  story.answer('takeBack', (body) => shop.takeBack(body));
  return { url: story.pageUrl, stop: () => story.stop() };
}
