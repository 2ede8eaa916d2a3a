/** Consumers die and Redis falls silent while many users are away: one signal for each notification, none lost. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, isReady, JWT_SECRET, startCarillon } from '../../support/carillon.ts';
import { Checker } from '../../support/checker.ts';
import { Producer } from '../../support/producer.ts';
import { vhostOf } from '../../support/rabbitmq.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';
import { freshVhost, sharedManagement } from '../../support/servers.ts';
import { SignalListener } from '../../support/signal-listener.ts';
import { until } from '../../support/until.ts';

const USERS = 300;
/** The service's own in RabbitMQ. */
const USER = 'unreached-kills';
const TIMEOUT_MS = 240_000;

let redis: RedisServer;
let environment: Record<string, string>;
/** The first has the events and the checks, the other takes over. */
let consumers: CarillonProcess[];
let producer: Producer;
let listener: SignalListener;

const startConsumer = () => startCarillon(environment);

beforeAll(async () => {
  const [server, amqpUrl] = await Promise.all([startRedis({ persistent: true }), freshVhost()]);
  redis = server;
  await sharedManagement().createUser(USER, 'secret', vhostOf(amqpUrl));
  const ofService = new URL(amqpUrl);
  [ofService.username, ofService.password] = [USER, 'secret'];
  environment = {
    AMQP_URL: ofService.href,
    REDIS_URL: redis.url,
    JWT_SECRET,
    ROLES: 'consumer',
    UNREACHED_AFTER: '2',
  };
  consumers = [await startConsumer()];
  consumers.push(await startConsumer());
  producer = new Producer(amqpUrl);
  listener = await SignalListener.open(amqpUrl);
});
afterAll(async () => {
  await Promise.all([listener.close(), producer.close()]);
  await Promise.all(consumers.map((consumer) => consumer.stop()));
  await redis.stop();
});

async function killActive(): Promise<void> {
  const active = consumers.shift();
  active?.signal('SIGKILL');
  await active?.exited;
  consumers.push(await startConsumer());
}

const audiencesOf = (name: string) => Array.from({ length: USERS }, (_, i) => `user:${name}-${i}`);

/** Signals that came for these audiences. */
const toldOf = (audiences: readonly string[]) => {
  const asked = new Set(audiences);
  return listener.signals.filter(({ data }) => asked.has(String(data.audience)));
};

const distinct = (audiences: readonly string[]) => new Set(toldOf(audiences).map(({ id }) => id)).size;

const appendsOf = async (consumer: CarillonProcess | undefined, result = 'new') => {
  const text = await (await fetch(`${consumer?.opsUrl}/metrics`)).text();
  const line = text.split('\n').find((one) => one.includes(`_appends_total{kind="user",result="${result}"}`));
  return Number(line?.split(' ')[1] ?? 0);
};

/** The queues are empty: what was published last of all is told. */
async function allJudged(name: string): Promise<void> {
  await producer.publish(new Checker().next(`user:${name}-last`));
  await listener.heard(`${name}-last`);
}

/** Each was told, and none twice but for the check that a process had in hand when it died. */
function expectOneEach(checker: Checker, audiences: readonly string[], kills: number): void {
  const told = toldOf(audiences);
  const seen = audiences.map((audience) => ({
    audience,
    ids: told
      .filter(({ data }) => data.audience === audience)
      .map(({ data }) => String(Object(data.notification).id)),
  }));
  const verdict = checker.judge(seen);
  expect(verdict).toMatchObject({ expected: audiences.length, lost: [], unexpected: [], disordered: [] });
  const again = told.length - audiences.length;
  expect(again).toBeLessThanOrEqual(kills);
  // A repeat has the id that tells it.
  expect(distinct(audiences)).toBe(audiences.length);
  console.log(
    `${audiences.length} notifications, ${kills} kills: ${told.length} signals, ${again} of them repeats`,
  );
}

test('consumers are killed while they append', { timeout: TIMEOUT_MS }, async () => {
  const checker = new Checker();
  const audiences = audiencesOf('appended');
  const kills = 3;
  for (let i = 0; i < kills; i += 1) {
    const some = audiences.slice((i * USERS) / kills, ((i + 1) * USERS) / kills);
    const active = consumers[0];
    const before = await appendsOf(active);
    const publishing = producer.publish(...some.map((audience) => checker.next(audience)));
    await until('some appends', 20_000, async () => (await appendsOf(active)) > before);
    await killActive();
    await publishing;
    await until('the signals of these', 60_000, () => distinct(some) === some.length);
  }
  await allJudged('appended');
  expectOneEach(checker, audiences, kills);
});

test('a consumer that cannot schedule does not acknowledge, and its successor schedules', {
  timeout: TIMEOUT_MS,
}, async () => {
  const checker = new Checker();
  const audiences = audiencesOf('unscheduled').slice(0, 50);
  const { AMQP_URL = '' } = environment;
  const before = await appendsOf(consumers[0]);
  const vhost = vhostOf(AMQP_URL);
  // Nobody may declare it again meanwhile.
  const permit = (configure: string) =>
    sharedManagement().put(`permissions/${vhost}/${USER}`, { configure, write: '.*', read: '.*' });
  await permit('^$');
  await sharedManagement().delete(`queues/${vhost}/carillon.unreached.delay`);
  await producer.publish(...audiences.map((audience) => checker.next(audience)));
  const appended = async () => (await appendsOf(consumers[0])) - before;
  await until('all appends', 20_000, async () => (await appended()) === audiences.length);
  const [active] = consumers;
  active?.signal('SIGKILL');
  await active?.exited;
  await permit('.*');
  await killActive();
  await until('all signals', 60_000, () => distinct(audiences) === audiences.length);
  expect(await appendsOf(consumers[0], 'repeat')).toBe(audiences.length);
  await allJudged('unscheduled');
  expectOneEach(checker, audiences, 1);
});

test('consumers are killed while checks are due', { timeout: TIMEOUT_MS }, async () => {
  const checker = new Checker();
  const audiences = audiencesOf('due');
  await producer.publish(...audiences.map((audience) => checker.next(audience)));
  const kills = 4;
  for (let i = 1; i <= kills; i += 1) {
    await until('some signals', 60_000, () => distinct(audiences) >= i * 40);
    await killActive();
  }
  await until('all signals', 60_000, () => distinct(audiences) === USERS);
  await allJudged('due');
  expectOneEach(checker, audiences, kills);
});

test('Redis falls silent while checks are due', { timeout: TIMEOUT_MS }, async () => {
  const checker = new Checker();
  const audiences = audiencesOf('silent');
  await producer.publish(...audiences.map((audience) => checker.next(audience)));
  await until('the first signals', 60_000, () => distinct(audiences) >= 10);
  await redis.pause();
  const [active] = consumers;
  try {
    await until(
      'the consumer to notice',
      30_000,
      async () => active !== undefined && !(await isReady(active)),
    );
  } finally {
    await redis.resume();
  }
  await until('all signals', 60_000, () => distinct(audiences) === USERS);
  await allJudged('silent');
  expectOneEach(checker, audiences, 0);
});
