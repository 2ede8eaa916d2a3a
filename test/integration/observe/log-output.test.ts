/** Logs never stop the service: full disks, pipes that nobody reads, readers that are gone, terminals that stand still. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, createReadStream, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from 'vitest';
import { connectClient, type TestClient } from '../../support/client.ts';
import { guard } from '../../support/guard.ts';
import { freePort } from '../../support/ports.ts';
import { isRunning, withDescendants } from '../../support/process-table.ts';
import { madeEvent } from '../../support/producer.ts';
import { findOnPath } from '../../support/programs.ts';
import { scrape, sumOf } from '../../support/scrape.ts';
import { temporaryFile } from '../../support/temporary-file.ts';
import { until } from '../../support/until.ts';

const MAIN = new URL('../../../dist/main.js', import.meta.url).pathname;
const OWN = [process.execPath, MAIN];
const WAIT_MS = 25_000;
/** Of one event, and so of each line of the log that shows it. */
const BYTES = 50_000;
/** More than a pipe and what may wait in the process hold together. */
const MANY = 60;

interface Program {
  readonly pid: number;
  readonly url: string;
  readonly opsUrl: string;
  readonly exited: Promise<number | null>;
}

const clients: TestClient[] = [];
const fds: number[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const fd of fds.splice(0)) closeSync(fd);
});

/** Embedded, and with the content of every event in its log, which goes to `stdout`. */
async function start(stdout: number, run: readonly string[] = OWN): Promise<Program> {
  const [port, opsPort] = [await freePort(), await freePort()];
  const [command = '', ...args] = run;
  const env = {
    PATH: process.env.PATH ?? '',
    PORT: String(port),
    OPS_PORT: String(opsPort),
    LOG_SAMPLE_RATE: '1',
    HTTP_EVENTS_PER_SECOND: '10000',
  };
  const child = spawn(command, args, { env, stdio: ['ignore', stdout, 'ignore'] });
  await once(child, 'spawn');
  const pid = child.pid ?? Number.NaN;
  const dismissGuard = guard('kill -s KILL -- "$1"', String(pid));
  const exited = once(child, 'exit').then(() => {
    dismissGuard();
    return child.exitCode;
  });
  const program = { pid, url: `http://127.0.0.1:${port}`, opsUrl: `http://127.0.0.1:${opsPort}`, exited };
  await until('the program to be ready', WAIT_MS, () => isReady(program));
  return program;
}

async function isReady({ opsUrl }: Program): Promise<boolean> {
  return (await fetch(`${opsUrl}/health/ready`).catch(() => undefined))?.status === 200;
}

async function tokenOf({ url }: Program): Promise<string> {
  const answer: unknown = await (await fetch(`${url}/demo/token?user=ada`)).json();
  if (typeof answer !== 'object' || answer === null || !('token' in answer)) throw new Error('no token');
  return String(answer.token);
}

let published = 0;

async function publish({ url }: Program, token: string, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    published += 1;
    const event = madeEvent(`e${published}`, { audience: 'user:ada', data: { text: 'x'.repeat(BYTES) } });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/cloudevents+json' };
    const { status } = await fetch(`${url}/v1/events`, {
      method: 'POST',
      headers,
      body: JSON.stringify(event),
    });
    expect(status).toBe(202);
  }
}

const linesLost = async (program: Program) =>
  sumOf(await scrape(program), 'carillon_log_lines_lost_total') ?? Number.NaN;

/** A device gets everything while the log takes nothing, and lines are lost and counted. */
async function expectServes(program: Program): Promise<TestClient> {
  const token = await tokenOf(program);
  const client = connectClient(program.url, token);
  clients.push(client);
  await client.session();
  await publish(program, token, MANY);
  await client.received(MANY);
  await expect.poll(() => isReady(program)).toBe(true);
  await expect.poll(() => linesLost(program)).toBeGreaterThan(0);
  return client;
}

function open(path: string, flags: string | number): number {
  const fd = openSync(path, flags);
  fds.push(fd);
  return fd;
}

/** A pipe with a name. What is open for reading keeps it from being broken, and reads nothing. */
function makePipe(): { readonly path: string; readonly reader: number; readonly writer: number } {
  const path = `${temporaryFile('given', '')}.pipe`;
  spawnSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { path, reader, writer: open(path, constants.O_WRONLY) };
}

interface Line {
  readonly msg: string;
  readonly lines?: number;
}

/** Every line is a whole one, but for what newcomers are greeted with; how many they say were lost. */
function lostIn(lines: readonly string[]): number {
  const parsed = lines.filter((line) => !/^( {2}.*)?$/.test(line)).map((line): Line => JSON.parse(line));
  return parsed.reduce((sum, { msg, lines: lost = 0 }) => sum + (msg.includes('were lost') ? lost : 0), 0);
}

test('a disk that is full from the beginning', async () => {
  const program = await start(open('/dev/full', 'w'));
  await expectServes(program);
  process.kill(program.pid, 'SIGTERM');
  expect(await program.exited).toBe(0);
});

const SAYS_LOST =
  'a disk that has room again: what is written then are whole lines, and one tells how many are missing';
test.skipIf(findOnPath('prlimit') === undefined)(SAYS_LOST, async () => {
  const file = temporaryFile('log', '');
  // The file may not grow beyond this, as if the disk were full; another program may allow it more.
  const program = await start(open(file, 'a'), ['prlimit', `--fsize=${3 * BYTES + 777}:unlimited`, ...OWN]);
  await expectServes(program);
  spawnSync('prlimit', ['--pid', String(program.pid), '--fsize=unlimited:unlimited']);
  await until('the line about what was lost', WAIT_MS, () =>
    readFileSync(file, 'utf8').includes('were lost'),
  );
  const lost = await linesLost(program);
  process.kill(program.pid, 'SIGTERM');
  expect(await program.exited).toBe(0);
  const text = readFileSync(file, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  const lines = text.trimEnd().split('\n');
  expect(lostIn(lines)).toBe(lost);
  expect(lines.at(-1)).toContain('"msg":"stopped"');
});

test('a pipe that nobody reads: it serves, and ends at a signal', async () => {
  const { reader, writer } = makePipe();
  fds.push(reader);
  const program = await start(writer);
  await expectServes(program);
  process.kill(program.pid, 'SIGTERM');
  expect(await program.exited).toBe(0);
});

test('a pipe that nobody reads: the second signal ends it at once', async () => {
  const { reader, writer } = makePipe();
  fds.push(reader);
  const program = await start(writer);
  await expectServes(program);
  // One right behind the other: without the second it would have ended in half a second.
  process.kill(program.pid, 'SIGTERM');
  process.kill(program.pid, 'SIGINT');
  expect(await program.exited).toBe(1);
});

test('a pipe that is read again: whole lines, and one says how many are missing', async () => {
  const { path, reader, writer } = makePipe();
  const program = await start(writer);
  await expectServes(program);
  const lines: string[] = [];
  const input = createReadStream(path, { flags: 'r' });
  createInterface({ input }).on('line', (line) => lines.push(line));
  closeSync(reader);
  await until('the line about what was lost', WAIT_MS, () =>
    lines.some((line) => line.includes('were lost')),
  );
  await expect.poll(async () => lostIn(lines) - (await linesLost(program))).toBe(0);
  process.kill(program.pid, 'SIGTERM');
  expect(await program.exited).toBe(0);
  input.destroy();
});

test('a pipe whose reader is gone, and another one who comes', async () => {
  const { path, reader, writer } = makePipe();
  const program = await start(writer);
  closeSync(reader);
  await expectServes(program);
  const lines: string[] = [];
  const input = createReadStream(path, { flags: 'r' });
  createInterface({ input }).on('line', (line) => lines.push(line));
  await until('the line about what was lost', WAIT_MS, () =>
    lines.some((line) => line.includes('were lost')),
  );
  await expect.poll(async () => lostIn(lines) - (await linesLost(program))).toBe(0);
  process.kill(program.pid, 'SIGTERM');
  expect(await program.exited).toBe(0);
  input.destroy();
});

/** Not every container has terminals to give. */
const hasTerminals = spawnSync('script', ['--quiet', '--command', 'true', '/dev/null']).status === 0;

test.skipIf(!hasTerminals)('a terminal that stands still does not keep the process', async () => {
  const { reader, writer } = makePipe();
  fds.push(reader);
  // script(1) gives the program a terminal, and stops reading from it when nobody reads what it writes itself.
  const command = `exec ${OWN.join(' ')}`;
  const program = await start(writer, ['script', '--quiet', '--command', command, '/dev/null']);
  await expectServes(program);
  const inTerminal = withDescendants(program.pid).filter((pid) => pid !== program.pid);
  for (const pid of inTerminal) process.kill(pid, 'SIGTERM');
  await until('the program to end', WAIT_MS, () => !inTerminal.some(isRunning));
  process.kill(program.pid, 'SIGKILL');
  await program.exited;
});
