/**
 * Carillon as in production, with a proxy between it and RabbitMQ and another between it and Redis. Producers and
 * judges go past the proxies: only the service is disturbed.
 */
import { type Cluster, Redis } from 'ioredis';
import { type CarillonProcess, JWT_SECRET, spawnCarillon, startCarillon } from '../support/carillon.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** What a trial needs of the Carillon that it tries. */
export interface TriedStack {
  /** RabbitMQ, past the proxy. */
  readonly amqpUrl: string;
  /** A connection to Redis, past the proxy. */
  readonly control: Redis | Cluster;
  readonly gateways: readonly CarillonProcess[];
  readonly consumers: readonly CarillonProcess[];
}

export interface FaultStack extends TriedStack {
  readonly redis: RedisServer;
  readonly control: Redis;
  readonly toRabbitMq: TcpProxy;
  readonly toRedis: TcpProxy;
  /** In the order in which they came: the first has the events, the others wait. */
  readonly consumers: CarillonProcess[];
  startConsumer(extra?: Readonly<Record<string, string>>): Promise<CarillonProcess>;
  /** One that is not ready yet, and perhaps cannot be. */
  spawnConsumer(): Promise<CarillonProcess>;
  /** One more, which the caller MUST end. */
  startGateway(extra?: Readonly<Record<string, string>>): Promise<CarillonProcess>;
  stop(): Promise<void>;
}

/** Of every process that is tried. */
export const TRIED_ENVIRONMENT = {
  JWT_SECRET,
  INBOX_MAX_LENGTH: '1000000',
  // A device that was away gets all of it at once, instead of page by page.
  SYNC_LIMIT: '10000',
  FEED_CHECK_SECONDS: '2',
} as const;

/** `amqpUrl`: a virtual host that nobody else uses. One consumer and two gateways. */
export async function startFaultStack(amqpUrl: string): Promise<FaultStack> {
  const redis = await startRedis({ persistent: true });
  const [toRabbitMq, toRedis] = await Promise.all([
    startTcpProxy(Number(new URL(amqpUrl).port)),
    startTcpProxy(redis.port),
  ]);
  const environment = {
    ...TRIED_ENVIRONMENT,
    AMQP_URL: throughProxy(amqpUrl, toRabbitMq),
    REDIS_URL: throughProxy(redis.url, toRedis),
  };
  const start = (role: string, extra: Readonly<Record<string, string>>) =>
    startCarillon({ ...environment, ROLES: role, ...extra });
  const startGateway = (extra = {}) => start('gateway', extra);
  const consumers: CarillonProcess[] = [];
  const startConsumer = async (extra = {}) => {
    const consumer = await start('consumer', extra);
    consumers.push(consumer);
    return consumer;
  };
  const spawnConsumer = async () => {
    const consumer = await spawnCarillon({ ...environment, ROLES: 'consumer' });
    consumers.push(consumer);
    return consumer;
  };
  const [first, second] = await Promise.all([startGateway(), startGateway(), startConsumer()]);
  const gateways = [first, second];
  const control = new Redis(redis.url, { maxRetriesPerRequest: null });
  // While Redis is away it has nobody to ask, and asks again by itself.
  control.on('error', () => {});
  return {
    amqpUrl,
    redis,
    control,
    toRabbitMq,
    toRedis,
    gateways,
    consumers,
    startConsumer,
    spawnConsumer,
    startGateway,
    async stop() {
      control.disconnect();
      await Promise.all([...consumers, ...gateways].map((process) => process.stop()));
      await Promise.all([toRabbitMq.close(), toRedis.close()]);
      await redis.stop();
    },
  };
}

function throughProxy(url: string, { port }: TcpProxy): string {
  const parsed = new URL(url);
  parsed.port = String(port);
  return parsed.href;
}

/** The sum of a metric's values whose labels contain the text. */
export async function metric(process: CarillonProcess, name: string, label = ''): Promise<number> {
  const text = await (await fetch(`${process.opsUrl}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(name) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
