/** The command line in a pipe: a reader who has enough ends it quietly, and a full disk is a failure. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, startCarillon } from '../../support/carillon.ts';

const CLI = new URL('../../../dist/cli/main.js', import.meta.url).pathname;

let carillon: CarillonProcess;

beforeAll(async () => {
  carillon = await startCarillon({});
});
afterAll(() => carillon.stop());

/** What a shell says of `script`, in which `"$@"` is the command line. */
async function shell(script: string): Promise<{ readonly out: string; readonly err: string }> {
  const env = {
    PATH: process.env.PATH ?? '',
    CARILLON_URL: carillon.url,
    CARILLON_OPS_URL: carillon.opsUrl,
  };
  const child = spawn('sh', ['-c', script, 'sh', process.execPath, CLI], { env, stdio: 'pipe' });
  let [out, err] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => {
    out += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    err += bytes.toString();
  });
  await once(child, 'close');
  return { out, err };
}

const send = '"$@" send --audience user:42 --type a.b >/dev/null';

test('watch, and a reader who wants one line: 0, and nothing is said of it', async () => {
  // Whoever has the first line sends a second one, which nobody reads any more.
  const watch = '{ "$@" watch user:42 2>/dev/null; echo "ended with $?" >&3; }';
  const feed = `while [ ! -e "$done" ]; do ${send}; done`;
  const script = `done=$(mktemp -u); exec 3>&1; { ${feed}; } & ${watch} | head -n 1; touch "$done"; wait; rm "$done"`;
  const { out, err } = await shell(script);
  expect(out).toMatch(/a\.b/);
  expect(out).toContain('ended with 0');
  expect(err).toBe('');
});

test('errors that nobody reads end nothing', async () => {
  const { out } = await shell(
    'exec 3>&1; { "$@" watch nobody; echo "ended with $?" >&3; } 2>&1 >/dev/null | true',
  );
  expect(out).toBe('ended with 2\n');
});

test('a disk that is full: 1', async () => {
  const { out } = await shell('"$@" --help >/dev/full; echo "ended with $?"');
  expect(out).toBe('ended with 1\n');
});
