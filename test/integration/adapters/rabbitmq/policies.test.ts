/** Policies that somebody sets on all queues: nothing vanishes where arguments prevent it, and the doctor names the rest. */
import { createServer } from 'node:http';
import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { healthSchema } from '../../../../src/contract/health.ts';
import { type CarillonProcess, isReady, JWT_SECRET, startCarillon } from '../../../support/carillon.ts';
import { cli } from '../../../support/cli.ts';
import { takeDeadLetters } from '../../../support/dead-letters.ts';
import { doctor } from '../../../support/doctor.ts';
import { freePort } from '../../../support/ports.ts';
import { Producer } from '../../../support/producer.ts';
import { vhostOf } from '../../../support/rabbitmq.ts';
import { freshRedis, freshVhost, sharedManagement } from '../../../support/servers.ts';
import { temporaryFile } from '../../../support/temporary-file.ts';
import { until } from '../../../support/until.ts';

const POISON = 40;

let amqpUrl: string;
let environment: Record<string, string>;
let carillon: CarillonProcess;

beforeAll(async () => {
  [amqpUrl] = await Promise.all([freshVhost()]);
  environment = { AMQP_URL: amqpUrl, REDIS_URL: await freshRedis(), JWT_SECRET };
  carillon = await startCarillon(environment);
});
afterAll(() => carillon.stop());

const pathOf = (url: string, name: string) => `policies/${encodeURIComponent(vhostOf(url))}/${name}`;

async function companyWide(url: string, definition: Record<string, unknown>): Promise<void> {
  const policy = { pattern: '.*', 'apply-to': 'queues', priority: 1, definition };
  await sharedManagement().put(pathOf(url, 'company'), policy);
}

const findingSchema = z.object({ check: z.string(), verdict: z.string(), found: z.string() });
type Finding = z.infer<typeof findingSchema>;

/** What the doctor says of policies: by queue, in its order. */
async function told(url: string, managementUrl: string | undefined = inject('rabbitMq').managementUrl) {
  const env = { ...environment, AMQP_URL: url, CARILLON_MANAGEMENT_URL: managementUrl };
  const { out } = await cli(['doctor', '--json'], env);
  return out
    .split('\n')
    .filter((line) => line.includes('rabbitmq policies'))
    .map((line) => findingSchema.parse(JSON.parse(line)));
}

async function consumerPart() {
  const report = healthSchema.parse(await (await fetch(`${carillon.opsUrl}/health/ready`)).json());
  return report.parts?.consumer;
}

test('a limited length throws no dead letter away: it is refused, health says so, and it is kept later', {
  timeout: 400_000,
}, async () => {
  await companyWide(amqpUrl, { 'max-length': 3 });
  const producer = new Producer(amqpUrl);
  for (let i = 0; i < POISON; i += 1) await producer.publishRaw(Buffer.from('?'), {}, `limited.${i}`);
  await expect
    .poll(consumerPart, { timeout: 60_000 })
    .toEqual({ ok: false, reason: 'dead_letters_unconfirmed' });
  await sharedManagement().delete(pathOf(amqpUrl, 'company'));
  await until('readiness', 60_000, () => isReady(carillon));
  const keys = new Set<string>();
  // Ready is who has none that waits for long; the last ones may be on their way.
  await until('all dead letters', 60_000, async () => {
    for (const { fields } of await takeDeadLetters(amqpUrl)) keys.add(fields.routingKey);
    return keys.size >= POISON;
  });
  expect(keys.size).toBe(POISON);
  await producer.close();
});

test('the doctor names each policy, each queue and what it does', { timeout: 400_000 }, async () => {
  const url = await freshVhost();
  const other = await startCarillon({ ...environment, AMQP_URL: url, ROLES: 'consumer' });
  expect(await told(url)).toEqual([expect.objectContaining({ verdict: 'ok' })]);
  await companyWide(url, { 'message-ttl': 60_000, 'max-length': 5, expires: 600_000, 'delivery-limit': 3 });
  /** The first word after the policy's name, which is the setting, of all that is said of the queue. */
  const settings = (findings: readonly Finding[], queue: string, verdict: string) =>
    findings
      .filter((finding) => finding.check === `rabbitmq policies ${queue}` && finding.verdict === verdict)
      .map(({ found }) => /^policy "company": (\S+)/.exec(found)?.[1])
      .sort();
  // The management API learns of each queue's policy at another moment.
  await expect
    .poll(
      async () => {
        const findings = await told(url);
        return {
          dead: settings(findings, 'carillon.dead', 'wrong'),
          deadAdvice: settings(findings, 'carillon.dead', 'advice'),
          deliver: settings(findings, 'carillon.deliver', 'wrong'),
          unreached: settings(findings, 'carillon.unreached', 'wrong'),
          delay: settings(findings, 'carillon.unreached.delay', 'wrong'),
        };
      },
      { timeout: 100_000 },
    )
    .toEqual({
      dead: ['delivery-limit', 'expires', 'message-ttl'],
      deadAdvice: ['max-length'],
      deliver: ['expires', 'message-ttl'],
      unreached: ['delivery-limit', 'expires', 'message-ttl'],
      delay: ['expires', 'message-ttl'],
    });

  await companyWide(url, { 'max-length': 5, overflow: 'drop-head' });
  await until('the management API to know', 100_000, async () => {
    return (await told(url)).filter(({ verdict }) => verdict === 'wrong').length === 4;
  });

  // The remedy that it tells, with one of its own that comes first.
  const own = {
    pattern: '^carillon\\.',
    'apply-to': 'queues',
    priority: 2,
    definition: { overflow: 'reject-publish' },
  };
  await sharedManagement().put(pathOf(url, 'carillon'), own);
  await until('the doctor to be content', 100_000, async () => (await told(url))[0]?.verdict === 'ok');
  expect(await told(url, 'http://127.0.0.1:9')).toEqual([expect.objectContaining({ verdict: 'unknown' })]);
  await other.stop();
});

test('operator policies are named, and what other services let happen to the queues of sources', {
  timeout: 400_000,
}, async () => {
  const url = await freshVhost();
  const model = await connect(url);
  const channel = await model.createChannel();
  const short = { 'x-message-ttl': 1_000, 'x-max-length': 7, 'x-overflow': 'reject-publish' };
  await channel.assertQueue('crm', { durable: true, arguments: short });
  await channel.assertQueue('billing', { durable: true });
  await model.close();
  const SOURCES_FILE = temporaryFile('sources.yaml', 'sources: [{ queue: crm }, { queue: billing }]');
  const other = await startCarillon({ ...environment, AMQP_URL: url, SOURCES_FILE });
  const vhost = encodeURIComponent(vhostOf(url));
  await sharedManagement().put(`operator-policies/${vhost}/cap`, {
    pattern: '^(carillon\\.dead|billing)$',
    'apply-to': 'queues',
    priority: 1,
    definition: { 'message-ttl': 60_000, 'max-length': 9 },
  });
  const env = {
    ...environment,
    AMQP_URL: url,
    SOURCES_FILE,
    CARILLON_MANAGEMENT_URL: inject('rabbitMq').managementUrl,
  };
  // The management API learns of each queue's policy at another moment.
  await expect
    .poll(
      async () =>
        (await doctor(env)).findings
          .filter(({ check }) => check.startsWith('rabbitmq policies'))
          .map(({ check, verdict, found }) => `${verdict} ${check.slice(18)}: ${found}`)
          .sort(),
      { timeout: 100_000 },
    )
    .toEqual([
      'advice billing: operator policy "cap": max-length throws away the oldest beyond 9: no event comes of it',
      'advice billing: operator policy "cap": message-ttl throws away what waits for 60000 ms: no event comes of it',
      'advice carillon.dead: operator policy "cap": max-length has it refuse more than 9',
      'advice crm: message-ttl throws away what waits for 1000 ms: no event comes of it',
      'wrong carillon.dead: operator policy "cap": message-ttl throws away what lies there for 60000 ms',
    ]);
  await other.stop();
});

test('what only later versions of RabbitMQ know is named too', async () => {
  const definition = { 'delayed-retry-type': 'all', 'delayed-retry-min': 1_000 };
  const server = createServer((request, response) => {
    const isDeliver = request.url?.endsWith('/carillon.deliver') === true;
    const effective_policy_definition = isDeliver ? definition : { 'delayed-retry-type': 'disabled' };
    response.end(JSON.stringify({ policy: 'company', arguments: {}, effective_policy_definition }));
  });
  onTestFinished(() => void server.close());
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  expect(await told(amqpUrl, `http://127.0.0.1:${port}`)).toEqual([
    {
      check: 'rabbitmq policies carillon.deliver',
      verdict: 'wrong',
      found: 'policy "company": delayed-retry-type lets what comes later pass what comes back (all)',
    },
  ]);
});

test('queues of an earlier version are taken as they are, and the doctor says what they lack', {
  timeout: 400_000,
}, async () => {
  const url = await freshVhost();
  const model = await connect(url);
  const channel = await model.createChannel();
  const limit = { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000_000 };
  await channel.assertQueue('carillon.dead', { durable: true, arguments: limit });
  await channel.assertQueue('carillon.unreached', {
    durable: true,
    arguments: { ...limit, 'x-single-active-consumer': true },
  });
  await model.close();
  const other = await startCarillon({ ...environment, AMQP_URL: url, UNREACHED_AFTER: '60' });
  const producer = new Producer(url);
  await producer.publishRaw(Buffer.from('?'), {}, 'earlier');
  await until('the dead letter', 20_000, async () => (await takeDeadLetters(url)).length > 0);
  const env = { ...environment, AMQP_URL: url, CARILLON_MANAGEMENT_URL: inject('rabbitMq').managementUrl };
  const { out } = await cli(['doctor', '--json'], env);
  const topology = out.split('\n').find((line) => line.includes('"rabbitmq topology"'));
  expect(JSON.parse(topology ?? '{}')).toMatchObject({
    verdict: 'advice',
    found: expect.stringMatching(/carillon\.dead, carillon\.unreached: as an earlier version/),
  });
  await companyWide(url, { 'max-length': 5 });
  await until('the doctor to see it', 100_000, async () => {
    const findings = await told(url);
    return findings.some(({ check, verdict }) => check.endsWith(' carillon.dead') && verdict === 'wrong');
  });
  await producer.close();
  expect(await other.stop()).toBe(0);
});
