/** Company notices: to everybody, to a department, to one person; and somebody who moves to another department. */
import { freePort } from '../support/free-port.ts';
import type { Environment } from '../support/service.ts';
import { type RunningStory, startStory } from '../support/story.ts';
import { openOffice } from './office.ts';
import { people } from './people.ts';

export async function run(environment: Environment = process.env): Promise<RunningStory> {
  const opsPort = await freePort();
  const story = await startStory({
    name: 'notices',
    page: {
      claims: (user) => ({
        departments: people.filter((member) => member.user === user).map(({ department }) => department),
      }),
    },
    settings: { OPS_PORT: String(opsPort) },
    environment,
  });
  const { CARILLON_URL: runningUrl, OPS_URL: runningOpsUrl = 'http://127.0.0.1:3001' } = environment;
  openOffice(story, runningUrl === undefined ? `http://127.0.0.1:${opsPort}` : runningOpsUrl);
  return { url: story.pageUrl, stop: () => story.stop() };
}
