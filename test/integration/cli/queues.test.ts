/** `carillon queues`: a table for people, in which what is not known is no number, and the whole answer for programs. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { QueuesReport } from '../../../src/contract/queues.ts';
import { type CanaryReading, type QueueFacts, reportQueue } from '../../../src/observe/queues-report.ts';
import { JWT_SECRET } from '../../support/carillon.ts';
import { cli } from '../../support/cli.ts';
import { fencedBlock } from '../../support/fenced-blocks.ts';

const AT = '2026-11-28T02:30:00.000Z';
const CONTEXT = { node: 'gateway-1', nowMs: Date.parse(AT), doCanariesOvertake: false };

const answerOf = (facts: readonly QueueFacts[], unknown: QueuesReport['unknown'] = []): QueuesReport => ({
  node: CONTEXT.node,
  mode: 'real',
  at: AT,
  countedAt: AT,
  queues: facts.map((one) => reportQueue(one, CONTEXT)),
  unknown,
});

const counted = (messages: number, consumers: number) => ({
  counts: { messages, consumers },
  isTakenHere: false,
});
const back = (takenBy: string, agoMs: number) => ({ roundTripMs: 4.2, agoMs, takenBy });
const well: CanaryReading = {
  back: back('consumer-a-91c2d0', 3_000),
  awaitedForMs: undefined,
  failedLeg: undefined,
};
const stuck: CanaryReading = {
  back: back('consumer-b-0f7a33', 70_000),
  awaitedForMs: 64_210,
  failedLeg: 'consumer',
};

let server: Server;
let env: Readonly<Record<string, string>>;
let answer: QueuesReport = answerOf([]);
beforeAll(async () => {
  server = createServer((_request, response) => response.end(JSON.stringify(answer)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : '';
  env = { JWT_SECRET, CARILLON_OPS_URL: `http://127.0.0.1:${port}` };
});
afterAll(() => {
  server.close();
});

test('docs/cli.md: people get a table, and the reason for what is not in it', async () => {
  answer = answerOf([
    { queue: 'carillon.deliver.0', kind: 'partition', ...counted(0, 1), canary: well },
    { queue: 'carillon.deliver.1', kind: 'partition', ...counted(1_203, 1), canary: stuck },
    { queue: 'carillon.dead', kind: 'dead_letters', ...counted(3, 0) },
    { queue: 'carillon.unreached', kind: 'unreached', ...counted(0, 1) },
    { queue: 'carillon.unreached.delay', kind: 'unreached_delay', ...counted(12, 0) },
    { queue: 'carillon.partitions.consumers', kind: 'consumers', ...counted(0, 2) },
  ]);
  const [command = '', ...printed] = fencedBlock('docs/cli.md', '', '$ carillon queues').split('\n');
  const { exitCode, out, err } = await cli(command.replace('$ carillon ', '').split(' '), env);
  expect([exitCode, `${out}${err}`.trimEnd().split('\n')]).toEqual([0, printed]);
});

test('what no one knows is a question mark, and each reason is told once, for all of its queues', async () => {
  const silent = { counts: 'not_answered', isTakenHere: false } as const;
  const unknown = { field: 'queues', code: 'sources_unknown', detail: 'Ask \u001b[31manother.' } as const;
  answer = answerOf(
    [
      { queue: 'carillon.deliver', kind: 'events', ...silent, isTakenHere: true, canary: 'canary_off' },
      { queue: 'carillon.dead', kind: 'dead_letters', ...silent },
    ],
    [unknown],
  );
  const { exitCode, out, err } = await cli(['queues'], env);
  expect(exitCode).toBe(0);
  expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['queue', 'ready', 'consumers', 'lag', 'taken by'],
    ['carillon.deliver', '?', '?', '?', 'gateway-1 (this process)'],
    ['carillon.dead', '?', '?', '-', '-'],
    [''],
  ]);
  expect(err.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^carillon\.deliver, carillon\.dead: .* \(not_answered\)$/),
    expect.stringMatching(/^carillon\.deliver: .* \(canary_off\)$/),
    'Ask \\u001b[31manother. (sources_unknown)',
  ]);
});

test('programs get the answer as it is', async () => {
  answer = answerOf([{ queue: 'carillon.deliver', kind: 'events', ...counted(7, 1), canary: stuck }]);
  const { exitCode, out, err } = await cli(['queues', '--json'], env);
  expect({ exitCode, err, answer: JSON.parse(out) }).toEqual({ exitCode: 0, err: '', answer });
});
