/** The chat: pages that publish to a room's topic, and a service that tells the room who joined and who left. */

import type { Environment } from '../support/service.ts';
import { type RunningStory, startStory } from '../support/story.ts';
import { Rooms } from './rooms.ts';

export async function run(environment?: Environment): Promise<RunningStory> {
  const story = await startStory({
    name: 'chat',
    page: { claims: () => ({ topics: ['chat.*'], publish: ['chat.*'] }) },
    environment,
  });
  const rooms = new Rooms(story.publish);
  await story.signals((signal) => rooms.take(signal));
  return {
    url: story.pageUrl,
    async stop() {
      rooms.close();
      await story.stop();
    },
  };
}
