/** `GET /admin/queues`: what each process tells of the queues, with a consumer that hangs, without RabbitMQ, without queues. */
import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type QueueReport, type QueuesReport, queuesSchema } from '../../../src/contract/queues.ts';
import { admin } from '../../support/admin.ts';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../support/carillon.ts';
import { cli } from '../../support/cli.ts';
import { madeEvent } from '../../support/producer.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';
import { temporaryFile } from '../../support/temporary-file.ts';
import { until } from '../../support/until.ts';

const TIMEOUT_MS = 40_000;

let amqpUrl: string;
let environment: Readonly<Record<string, string>>;
let toRabbitMq: TcpProxy;
let gateway: CarillonProcess;
let consumers: readonly CarillonProcess[];

beforeAll(async () => {
  const [amqp, redis] = await Promise.all([freshVhost(), freshRedis()]);
  amqpUrl = amqp;
  environment = {
    AMQP_URL: amqp,
    REDIS_URL: redis,
    JWT_SECRET,
    PARTITIONS: '2',
    CANARY_SECONDS: '1',
    // More than one event of those that wait stays in its queue.
    PREFETCH: '1',
  };
  const model = await connect(amqp);
  await (await model.createChannel()).assertQueue('shop.notices');
  await model.close();
  const SOURCES_FILE = temporaryFile('sources.yaml', 'sources: [{ queue: shop.notices }]');
  toRabbitMq = await startTcpProxy(Number(new URL(amqp).port));
  const disturbed = new URL(amqp);
  disturbed.port = String(toRabbitMq.port);
  const consumer = { ...environment, SOURCES_FILE, ROLES: 'consumer' };
  [gateway, ...consumers] = await Promise.all([
    startCarillon({ ...environment, AMQP_URL: disturbed.href, ROLES: 'gateway' }),
    startCarillon(consumer),
    startCarillon(consumer),
  ]);
});
afterAll(async () => {
  for (const one of consumers ?? []) one.signal('SIGCONT');
  await Promise.all([gateway, ...(consumers ?? [])].map((one) => one?.stop()));
  await toRabbitMq?.close();
});

async function reportOf(carillon: CarillonProcess): Promise<QueuesReport> {
  const token = await tokenFor('operator', { scope: 'admin:read' });
  const { status, answer } = await admin(carillon, 'GET', 'queues', { token });
  expect(status).toBe(200);
  return queuesSchema.parse(answer);
}

async function queueOf(carillon: CarillonProcess, name: string): Promise<QueueReport> {
  const found = (await reportOf(carillon)).queues.find(({ queue }) => queue === name);
  if (found === undefined) throw new Error(`nothing is told of ${name}`);
  return found;
}

const [FIRST, SECOND] = ['carillon.deliver.0', 'carillon.deliver.1'] as const;
const codesOf = ({ unknown }: QueueReport) => unknown.map(({ field, code }) => `${field} ${code}`);

/** Waits until each consumer has one. */
async function takers(): Promise<readonly (string | undefined)[]> {
  let nodes: readonly (string | undefined)[] = [];
  await until('a partition for each consumer', TIMEOUT_MS, async () => {
    nodes = [await queueOf(gateway, FIRST), await queueOf(gateway, SECOND)].map(
      ({ takenBy }) => takenBy?.node,
    );
    return nodes.every((node) => node !== undefined) && new Set(nodes).size === 2;
  });
  return nodes;
}

test('a gateway tells who takes each partition and how long it takes, a consumer what it has itself', async () => {
  const nodes = await takers();
  const reports = await Promise.all(consumers.map(reportOf));
  expect(reports.map(({ node }) => node).toSorted()).toEqual(nodes.toSorted());

  const { queues, unknown, node, mode } = await reportOf(gateway);
  expect({ mode, unknown: unknown.map(({ code }) => code) }).toEqual({
    mode: 'real',
    unknown: ['sources_unknown'],
  });
  expect(node).not.toBe(nodes[0]);
  expect(queues.map(({ queue, kind, consumers }) => [queue, kind, consumers])).toEqual([
    [FIRST, 'partition', 1],
    [SECOND, 'partition', 1],
    ['carillon.dead', 'dead_letters', 0],
    ['carillon.unreached', 'unreached', 0],
    ['carillon.unreached.delay', 'unreached_delay', 0],
    ['carillon.partitions.consumers', 'consumers', 2],
  ]);
  expect(queues[0]).toMatchObject({
    partition: 0,
    lag: { failedLeg: null, roundTripMs: expect.any(Number) },
  });

  const [one] = consumers;
  const [report] = reports;
  if (one === undefined || report === undefined) throw new Error('no consumer was asked');
  const own = report.node === nodes[0] ? FIRST : SECOND;
  const taken = report.queues.find(({ queue }) => queue === own);
  expect(taken).toMatchObject({ takenBy: { node: report.node }, lag: null });
  expect(taken === undefined ? [] : codesOf(taken)).toEqual(['lag no_gateway']);
  const other = await queueOf(one, own === FIRST ? SECOND : FIRST);
  expect([other.takenBy, codesOf(other)]).toEqual([null, ['takenBy no_gateway', 'lag no_gateway']]);
  const source = await queueOf(one, 'shop.notices');
  expect([source.kind, source.consumers, codesOf(source)]).toEqual([
    'source',
    2,
    ['takenBy not_told', 'lag no_canary'],
  ]);
  expect(report.unknown).toEqual([]);
});

test('while a consumer hangs the lag of its partition grows, and of no other, until another takes over', async () => {
  const nodes = await takers();
  const reports = await Promise.all(consumers.map(reportOf));
  const hanging = consumers[reports.findIndex(({ node }) => node === nodes[1])];
  hanging?.signal('SIGSTOP');
  const model = await connect(amqpUrl);
  const channel = await model.createConfirmChannel();
  for (const id of ['1', '2', '3']) {
    const event = madeEvent(id, { audience: 'user:42' });
    const options = { contentType: 'application/cloudevents+json', persistent: true };
    channel.sendToQueue(SECOND, Buffer.from(JSON.stringify(event)), options);
  }
  await channel.waitForConfirms();
  await model.close();

  const stuck = async () => {
    const report = await queueOf(gateway, SECOND);
    return report.lag?.failedLeg === 'consumer' && (report.ready ?? 0) >= 2 ? report : undefined;
  };
  await until('the lag to show', TIMEOUT_MS, async () => (await stuck()) !== undefined);
  const { at, queues } = await reportOf(gateway);
  const [healthy, hung] = queues;
  const { ms = 0, outSince, roundTripMs } = hung?.lag ?? {};
  // Both are rounded.
  expect(Math.abs(Date.parse(at) - Date.parse(outSince ?? '') - ms)).toBeLessThan(2);
  expect(ms).toBeGreaterThan(roundTripMs ?? 0);
  expect(hung?.takenBy?.node).toBe(nodes[1]);
  await until('a later canary through the other', TIMEOUT_MS, async () => {
    const { lag } = await queueOf(gateway, FIRST);
    return Date.parse(lag?.cameBackAt ?? '') > Date.parse(healthy?.lag?.cameBackAt ?? '');
  });
  expect((await queueOf(gateway, FIRST)).lag?.failedLeg).toBeNull();
  const shown = await cli(['queues'], { JWT_SECRET, CARILLON_OPS_URL: gateway.opsUrl });
  expect(shown.out).toMatch(/^carillon\.deliver\.1 +\d+ +1 +\d+ m?s, stuck: consumer +\S+, \d+ m?s ago$/m);

  hanging?.signal('SIGKILL');
  await until('the other to have it', TIMEOUT_MS, async () => {
    const { ready, takenBy, lag } = await queueOf(gateway, SECOND);
    return ready === 0 && takenBy?.node === nodes[0] && lag?.failedLeg === null;
  });
});

test('while RabbitMQ is away it is a problem, and no count', async () => {
  toRabbitMq.blackHole();
  await until('the problem', TIMEOUT_MS, async () => (await admin(gateway, 'GET', 'queues')).status === 503);
  expect((await admin(gateway, 'GET', 'queues')).answer).toMatchObject({ code: 'broker_unavailable' });
  toRabbitMq.heal();
  await until('the counts', TIMEOUT_MS, async () => (await admin(gateway, 'GET', 'queues')).status === 200);
});

test('one process with one queue and no canaries says so, and what it takes', async () => {
  const AMQP_URL = await freshVhost();
  const alone = await startCarillon({ ...environment, AMQP_URL, PARTITIONS: '1', CANARY_SECONDS: '0' });
  const before = await queueOf(alone, 'carillon.deliver');
  expect([before.kind, codesOf(before)]).toEqual(['events', ['takenBy canary_off', 'lag canary_off']]);
  await fetch(`${alone.url}/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await tokenFor('shop', { scope: 'events:write' })}`,
      'content-type': 'application/cloudevents+json',
    },
    body: JSON.stringify(madeEvent('1', { audience: 'user:42' })),
  });
  const { node } = await reportOf(alone);
  await until('the event to be taken', TIMEOUT_MS, async () => {
    const { takenBy } = await queueOf(alone, 'carillon.deliver');
    return takenBy?.node === node;
  });
  await alone.stop();
});

test('in embedded mode there are no queues, which it says', async () => {
  const embedded = await startCarillon({ JWT_SECRET });
  const { mode, queues, countedAt, unknown } = await reportOf(embedded);
  expect({ mode, queues, countedAt }).toEqual({ mode: 'embedded', queues: [], countedAt: null });
  expect(unknown).toMatchObject([{ field: 'queues', code: 'embedded' }]);
  const shown = await cli(['queues'], { JWT_SECRET, CARILLON_OPS_URL: embedded.opsUrl });
  expect(shown).toEqual({ exitCode: 0, out: '', err: expect.stringContaining('(embedded)') });
  await embedded.stop();
});
