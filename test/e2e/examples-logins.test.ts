/** The login services in the README sign tokens that the service takes: in Node, Python and Go, as they stand there. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon } from '../support/carillon.ts';
import { connectClient } from '../support/client.ts';
import { fencedBlock } from '../support/fenced-blocks.ts';
import { findOnPath } from '../support/programs.ts';
import { temporaryFile } from '../support/temporary-file.ts';

const run = promisify(execFile);
/** No id of ASCII alone: each language writes JSON its own way. */
const USER = 'José <李>';

let carillon: CarillonProcess;
beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET });
});
afterAll(() => carillon?.stop());

interface Language {
  readonly language: string;
  readonly file: string;
  readonly command: readonly [string, ...string[]];
  /** Prints the token of the user in the first argument. */
  readonly print: string;
}

const LANGUAGES: readonly Language[] = [
  {
    language: 'js',
    file: 'login.mjs',
    command: ['node'],
    print: 'console.log(notifyToken(process.argv[2]));',
  },
  {
    language: 'python',
    file: 'login.py',
    command: ['python3'],
    print: 'import sys\nprint(notify_token(sys.argv[1]))',
  },
  {
    language: 'go',
    file: 'login.go',
    command: ['go', 'run'],
    print:
      'func main() { token, err := notifyToken(os.Args[1]); if err != nil { panic(err) }; os.Stdout.WriteString(token) }',
  },
];

test.for(LANGUAGES)('$language', async ({ language, file, command, print }, { skip }) => {
  const [name, ...args] = command;
  if (findOnPath(name) === undefined) skip(`no ${name}`);
  const code = fencedBlock('README.md', language, 'JWT_SECRET');
  expect(fencedBlock('README.zh.md', language, 'JWT_SECRET')).toBe(code);
  const path = temporaryFile(file, `${code}\n${print}\n`);
  const home = join(dirname(path), 'home');
  mkdirSync(home);
  writeFileSync(join(dirname(path), 'go.mod'), 'module login\n\ngo 1.18\n');
  const env = { ...process.env, JWT_SECRET, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod', GOPROXY: 'off' };
  const { stdout } = await run(name, [...args, path, USER], { env, cwd: dirname(path) });
  const client = connectClient(carillon.url, stdout.trim());
  onTestFinished(() => client.close());
  expect(await client.session()).toMatchObject({ user: USER });
});
