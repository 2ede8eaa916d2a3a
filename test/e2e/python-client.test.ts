/** The Python example against the real service. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenFor } from '../support/carillon.ts';
import { madeEvent } from '../support/producer.ts';
import { findPythonWith } from '../support/programs.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { until } from '../support/until.ts';

const PYTHON = findPythonWith('socketio, aiohttp') ?? 'python3';

describe('the Python client', () => {
  let stack: Stack;
  let python: ChildProcess | undefined;
  const lines: string[] = [];

  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(async () => {
    python?.kill();
    await stack.stop();
  });

  test('prints what it missed, then what is live, in order and once', { timeout: 120_000 }, async () => {
    const environment = {
      ...process.env,
      CARILLON_URL: stack.gateways[0]?.url,
      CURSORS_FILE: temporaryFile('cursors.json', '{}'),
      TOKEN: await tokenFor('ada', { departments: ['sales'] }),
    };
    const start = async () => {
      const before = lines.length;
      python = spawn(PYTHON, ['examples/clients/python/client.py'], { env: environment });
      if (python.stdout !== null)
        createInterface({ input: python.stdout }).on('line', (line) => lines.push(line));
      await until('Python to connect', 60_000, () => lines.slice(before).includes('connected as ada'));
    };
    const publish = (from: number, to: number, audience: string) =>
      stack.producer.publish(
        ...Array.from({ length: to - from + 1 }, (_, i) =>
          madeEvent(`${from + i}`, {
            audience,
            data: { title: `n${from + i}` },
          }),
        ),
      );
    const titles = () => lines.flatMap((line) => /\b(n\d+)$/.exec(line)?.[1] ?? []);

    await start();
    await publish(1, 50, 'user:ada');
    // It keeps how far it was told after it has told it: who dies between is told once more.
    await until('fifty, and the cursor to be kept', 20_000, async () => {
      const kept = await readFile(environment.CURSORS_FILE, 'utf8');
      return titles().length >= 50 && /"offset": 50\b/.test(kept);
    });
    python?.kill();
    if (python !== undefined) await once(python, 'exit');
    await publish(51, 100, 'user:ada');
    await start();
    // By two audiences, and told once.
    await publish(101, 120, 'user:ada,department:sales');
    await until('all', 20_000, () => titles().length >= 120);
    expect(titles()).toEqual(Array.from({ length: 120 }, (_, i) => `n${i + 1}`));
  });
});
