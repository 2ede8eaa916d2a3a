/** React: an inbox as a component, and a topic beside it that the service tells something every few seconds. */

import type { Environment } from '../support/service.ts';
import { type RunningStory, startStory } from '../support/story.ts';

const NEWS = [
  'The lift works again',
  'Soup today: pumpkin',
  'Parking at the north gate is open',
  'Quiet hour until three',
];
const PAUSE_MS = 3_000;

export async function run(environment?: Environment): Promise<RunningStory> {
  const story = await startStory({
    name: 'react',
    page: { claims: () => ({ topics: ['news.*'] }) },
    ...(environment && { environment }),
  });
  let orders = 1_000;
  story.answer('order', async (user) => {
    orders += 1;
    const data = {
      title: `Order ${orders} has shipped`,
      body: 'It arrives on Thursday',
      url: `/?order=${orders}`,
    };
    return { id: await story.publish({ type: 'order.shipped', audience: `user:${user}`, data }) };
  });
  let told = 0;
  const telling = setInterval(() => {
    const title = NEWS[told++ % NEWS.length];
    story
      .publish({ type: 'news.told', audience: 'topic:news.building', data: { title } })
      .catch(console.error);
  }, PAUSE_MS);
  return {
    url: story.pageUrl,
    async stop() {
      clearInterval(telling);
      await story.stop();
    },
  };
}
