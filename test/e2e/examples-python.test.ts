/** The Python in README and docs/protocol.md, run as it stands there: a thousand notifications in order, none lost by dying. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { tokenFor } from '../support/carillon.ts';
import { Checker, flawless } from '../support/checker.ts';
import { connectClient } from '../support/client.ts';
import { fencedBlock } from '../support/fenced-blocks.ts';
import { type Program, startProgram } from '../support/program.ts';
import { findPythonWith } from '../support/programs.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { temporaryFile } from '../support/temporary-file.ts';
import { until } from '../support/until.ts';

const PYTHON = findPythonWith('socketio, aiohttp') ?? 'python3';
const COUNT = 1_000;

let stack: Stack;
let url: string;
beforeAll(async () => {
  // Whoever dies often in between is away for more than the default.
  stack = await startStack({ SYNC_LIMIT: String(COUNT) });
  url = stack.gateways[0]?.url ?? '';
});
afterAll(() => stack?.stop());

function run(code: string, env: Record<string, string> = {}, python = PYTHON): Program {
  const program = startProgram(python, [temporaryFile('example.py', code)], env);
  onTestFinished(() => program.stop());
  return program;
}

/** Numbered, for one user; each with its id as the title. */
function numbered(user: string) {
  const checker = new Checker();
  const audience = `user:${user}`;
  const publish = async (count: number) => {
    for (let i = 0; i < count; i += 1) {
      const id = `${audience}#${checker.count(audience) + 1}`;
      await stack.producer.publish(checker.next(audience, { data: { title: id } }));
    }
  };
  return { checker, audience, publish };
}

describe.for(['README.md', 'README.zh.md'])('%s', (file) => {
  test('a client that listens: all, in order', { timeout: 240_000 }, async () => {
    const user = file.replaceAll('.', '-').toLowerCase();
    const { checker, audience, publish } = numbered(user);
    const code = fencedBlock(file, 'python', 'socketio').replace('http://localhost:3000', url);
    const program = run(code, { TOKEN: await tokenFor(user) });
    // It tells nothing of its connection: what comes before that is not for it.
    const probe = connectClient(url, await tokenFor('probe'));
    await probe.session();
    await until('the client to be connected', 60_000, async () => (await isConnected(user)) === true);
    probe.close();
    await publish(COUNT);
    await program.prints(new RegExp(`#${COUNT}$`));
    const ids = program.lines.map((line) => line.split(' ')[2] ?? '');
    expect(checker.judge([{ audience, ids }])).toEqual(flawless(COUNT));
  });

  test('a producer: RabbitMQ has its event, and it arrives', { timeout: 90_000 }, async () => {
    const { AMQP_URL = '' } = stack.environment;
    const code = fencedBlock(file, 'python', 'pika').replace('amqp://localhost', AMQP_URL);
    const client = connectClient(url, await tokenFor('42'));
    onTestFinished(() => client.close());
    await client.session();
    const program = run(code, {}, findPythonWith('pika'));
    expect([await program.end(), program.errors]).toEqual([0, []]);
    expect(await client.received(1)).toMatchObject([{ type: 'order.shipped' }]);
  });
});

async function isConnected(user: string): Promise<boolean> {
  const authorization = `Bearer ${await tokenFor('operator', { scope: 'admin' })}`;
  const response = await fetch(`${stack.gateways[0]?.opsUrl}/admin/users/${user}/sessions`, {
    headers: { authorization },
  });
  const text = await response.text();
  return response.ok && !text.includes('"sessions":[]');
}

test('docs/protocol.md, coming back: dying again and again loses nothing and keeps the order', {
  timeout: 240_000,
}, async () => {
  const { checker, audience, publish } = numbered('cursors');
  const cursors = temporaryFile('cursors.json', '{}');
  const code = [
    `url, token = ${JSON.stringify(url)}, ${JSON.stringify(await tokenFor('cursors'))}`,
    'async def show(notification):',
    // Work that takes its time: it is then that a process dies.
    '    await asyncio.sleep(0.002)',
    '    print("told", notification["id"], flush=True)',
    'async def reload_inbox(audience):',
    '    print("reload", audience, flush=True)',
    fencedBlock('docs/protocol.md', 'python', 'socketio').replace('"cursors.json"', JSON.stringify(cursors)),
  ].join('\n');
  const told: string[] = [];
  let deaths = 0;
  const start = () => run(code);
  const die = async (program: Program) => {
    await program.stop();
    told.push(...program.lines);
    deaths += 1;
  };

  let program = start();
  await until('its first cursor', 60_000, () => readFileSync(cursors, 'utf8').includes(audience));
  for (const step of [1, 2, 3, 4]) {
    const publishing = publish(COUNT / 4);
    await program.prints(/^told /, 30 * step);
    await die(program);
    program = start();
    await publishing;
  }
  await program.prints(new RegExp(`#${COUNT}$`));
  await program.stop();
  told.push(...program.lines);

  expect(told.filter((line) => line.startsWith('reload'))).toEqual([]);
  const ids = told.map((line) => line.replace('told ', ''));
  const { duplicated, ...verdict } = checker.judge([{ audience, ids }]);
  expect({ ...verdict, duplicated: [] }).toEqual(flawless(COUNT));
  // The one that it had in hand when it died.
  expect(duplicated.length).toBeLessThanOrEqual(deaths);
});
