/** `npm run story -- …` of each README, as it stands there, and the story that the README of their support shows. */
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Run } from '../../examples/support/story.ts';
import { fencedBlock } from '../support/fenced-blocks.ts';
import { openTerminal } from '../support/terminal.ts';

const terminal = openTerminal();
const STORIES = ['bell', 'chat', 'notices', 'orders', 'react', 'ticker'];

test.for(STORIES)('npm run story -- %s', { timeout: 90_000 }, async (name) => {
  const story = terminal.run(fencedBlock(`examples/${name}/README.md`, 'sh', `story -- ${name}`));
  await story.prints(/Ctrl-C ends it/);
  const url = new RegExp(`${name}: (http://\\S+)`).exec(story.lines.join('\n'))?.[1] ?? '';
  expect(await (await fetch(url)).text()).toContain('<script type="module"');
  await story.interrupt();
  await expect(fetch(url)).rejects.toThrow();
});

test('examples/support/README.md: a story', { timeout: 90_000 }, async () => {
  const folder = join(terminal.folder, 'a-story');
  mkdirSync(folder);
  symlinkSync(new URL('../../examples/support', import.meta.url).pathname, join(terminal.folder, 'support'));
  const file = join(folder, 'story.ts');
  writeFileSync(file, fencedBlock('examples/support/README.md', 'ts', 'startStory'));
  const config = { extends: '../examples/tsconfig.json', include: ['story.ts'], exclude: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const check = promisify(execFile)('node_modules/.bin/tsc', ['--noEmit', '-p', folder]);
  await check.catch(({ stdout }) => expect(stdout).toBe(''));

  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  onTestFinished(() => log.mockRestore());
  const { run }: { readonly run: Run } = await import(file);
  const story = await run({});
  onTestFinished(() => story.stop());
  const answer = await fetch(`${story.url}/ask/ship`, { method: 'POST' });
  expect(await answer.json()).toEqual({ id: expect.any(String) });
  await expect.poll(() => log.mock.calls).toContainEqual(['carillon.notification.unreached']);
});
