/** Files that are read again while the process runs: what is taken, when, and what stays in use otherwise. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { NotUsable, ReloadedFile } from '../../../src/pipeline/reloaded-file.ts';
import { parseRoutes } from '../../../src/pipeline/routing/routes-file.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

const FIRST = 'routes: [{ type: a, audience: [global] }]';
const SECOND = 'routes: [{ type: b, audience: [global] }]';
const MALFORMED = 'routes:\n  - type: b\n    audience: [nobody]\n';

function opened(path = temporaryFile('routes.yaml', FIRST)) {
  const file = new ReloadedFile({ path, parse: parseRoutes });
  const taken: string[][] = [];
  let refused: Error | undefined;
  return {
    path,
    file,
    /** The types of the routes that were taken, each time. */
    taken,
    refuse: (error: Error | undefined) => {
      refused = error;
    },
    look: (isRequested = false) =>
      file.look(async (routes) => {
        if (refused !== undefined) throw refused;
        taken.push(routes.map(({ type }) => type));
      }, isRequested),
  };
}

test('a change counts once two looks have found the same: the first may have found half of it', async () => {
  const { path, file, taken, look } = opened();
  expect(await look()).toBeUndefined();
  writeFileSync(path, 'routes: []');
  expect(await look()).toBeUndefined();
  writeFileSync(path, SECOND);
  expect(await look()).toBeUndefined();
  expect(taken).toEqual([]);
  expect(file.value).toMatchObject([{ type: 'a' }]);
  expect(await look()).toEqual({ result: 'taken' });
  expect(taken).toEqual([['b']]);
  expect(file.value).toMatchObject([{ type: 'b' }]);
  expect(file.text).toBe(SECOND);
  expect(await look()).toBeUndefined();
});

test('who is told to look takes a change at once, and says when there is none', async () => {
  const { path, taken, look } = opened();
  expect(await look(true)).toEqual({ result: 'unchanged' });
  writeFileSync(path, SECOND);
  expect(await look(true)).toEqual({ result: 'taken' });
  expect(taken).toEqual([['b']]);
});

test('as Kubernetes does it: a link above the file is swapped', async () => {
  const folder = dirname(temporaryFile('unused', ''));
  for (const [name, text] of [
    ['one', FIRST],
    ['two', SECOND],
  ] as const) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'routes.yaml'), text);
  }
  symlinkSync('one', join(folder, '..data'));
  symlinkSync('..data/routes.yaml', join(folder, 'routes.yaml'));
  const { taken, look } = opened(join(folder, 'routes.yaml'));
  symlinkSync('two', join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  await look();
  expect(await look()).toEqual({ result: 'taken' });
  expect(taken).toEqual([['b']]);
});

test('what is malformed is told once, with its line, and the value stays', async () => {
  const { path, file, taken, look } = opened();
  writeFileSync(path, MALFORMED);
  await look();
  const faults = [expect.stringMatching(/routes\.yaml:3: .*audience/)];
  expect(await look()).toEqual({ result: 'invalid', faults });
  expect(file.faults).toEqual(faults);
  expect(await look()).toBeUndefined();
  expect(await look(true)).toEqual({ result: 'invalid', faults });
  expect(file.value).toMatchObject([{ type: 'a' }]);
  expect(taken).toEqual([]);
  writeFileSync(path, FIRST);
  expect(await look()).toEqual({ result: 'restored' });
  expect(file.faults).toEqual([]);
  writeFileSync(path, MALFORMED);
  await look();
  expect(await look()).toEqual({ result: 'invalid', faults });
  writeFileSync(path, SECOND);
  await look();
  expect(await look()).toEqual({ result: 'taken' });
  expect(file.faults).toEqual([]);
});

test('a file that is gone changes nothing', async () => {
  const { path, file, look } = opened();
  rmSync(path);
  expect(await look()).toBeUndefined();
  expect(await look()).toEqual({ result: 'unreadable', faults: [expect.stringContaining('ENOENT')] });
  expect(await look()).toBeUndefined();
  expect(file.value).toMatchObject([{ type: 'a' }]);
  writeFileSync(path, SECOND);
  await look();
  expect(await look()).toEqual({ result: 'taken' });
});

test('a pipe is read once', async () => {
  const path = temporaryFile('unused', '').replace('unused', 'pipe');
  execFileSync('mkfifo', [path]);
  // Not by this process, which waits for it to be written.
  spawn('sh', ['-c', 'printf %s "$1" > "$2"', 'sh', FIRST, path], { stdio: 'ignore' });
  const { file, look } = opened(path);
  expect(file.value).toMatchObject([{ type: 'a' }]);
  expect(await look()).toBeUndefined();
  expect(await look(true)).toEqual({ result: 'unchanged' });
});

test('what cannot be used now is tried again at each look, and told when the reason changes', async () => {
  const { path, file, taken, refuse, look } = opened();
  writeFileSync(path, SECOND);
  refuse(new NotUsable(['exchange x: it does not exist']));
  await look();
  const result = 'refused';
  expect(await look()).toEqual({ result, faults: ['exchange x: it does not exist'] });
  expect(await look()).toBeUndefined();
  refuse(new NotUsable(['exchange x: no right']));
  expect(await look()).toEqual({ result, faults: ['exchange x: no right'] });
  expect(file.faults).toEqual(['exchange x: no right']);
  expect(file.value).toMatchObject([{ type: 'a' }]);
  refuse(undefined);
  expect(await look()).toEqual({ result: 'taken' });
  expect(taken).toEqual([['b']]);
  expect(file.faults).toEqual([]);
});

test('a fault of ours is no fault of the file', async () => {
  const { path, file, refuse, look } = opened();
  writeFileSync(path, SECOND);
  refuse(new TypeError('ours'));
  await expect(look(true)).rejects.toThrow('ours');
  expect(file.value).toMatchObject([{ type: 'a' }]);
  expect(file.text).toBe(FIRST);
  refuse(undefined);
  expect(await look()).toEqual({ result: 'taken' });
});
