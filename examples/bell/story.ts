/** The bell: two people's apps on one page, each with its bell, and a form that sends them something. */

import type { StoryEvent } from '../support/link.ts';
import type { Environment } from '../support/service.ts';
import { type RunningStory, startStory } from '../support/story.ts';

const DEPARTMENTS: Readonly<Record<string, readonly string[]>> = { ada: ['sales'], grace: ['support'] };

export async function run(environment?: Environment): Promise<RunningStory> {
  const story = await startStory({
    name: 'bell',
    page: { claims: (user) => ({ departments: DEPARTMENTS[user] ?? [] }) },
    ...(environment && { environment }),
  });
  // A real service would not let a page say whom it writes to.
  story.answer('send', async (body) => ({ id: await story.publish(eventOf(body)) }));
  return { url: story.pageUrl, stop: () => story.stop() };
}

function eventOf(body: unknown): StoryEvent {
  const fields = new Map(typeof body === 'object' && body !== null ? Object.entries(body) : []);
  const text = (name: string) => String(fields.get(name) ?? '');
  return {
    type: 'bell.rung',
    audience: text('audience'),
    severity: text('severity'),
    data: { title: text('title'), body: text('body'), ...(text('url') && { url: text('url') }) },
  };
}
