/** Carillon as in production, on real servers: one consumer and two gateways, each as its own process. */
import { type CarillonProcess, JWT_SECRET, startCarillon } from './carillon.ts';
import { Producer } from './producer.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { freshVhost } from './servers.ts';

export interface Stack {
  readonly redis: RedisServer;
  readonly producer: Producer;
  readonly gateways: readonly CarillonProcess[];
  /** The environment of every process in the stack, for starting more of them. */
  readonly environment: Readonly<Record<string, string>>;
  /** The newest consumer. A test that ends it MUST start the next one with {@link restartConsumer}. */
  consumer: CarillonProcess;
  restartConsumer(): Promise<void>;
  stop(): Promise<void>;
}

/** `extra`: additional variables for every process. */
export async function startStack(extra: Readonly<Record<string, string>> = {}): Promise<Stack> {
  const [redis, amqpUrl] = await Promise.all([startRedis({ persistent: true }), freshVhost()]);
  const environment = { AMQP_URL: amqpUrl, REDIS_URL: redis.url, JWT_SECRET, ...extra };
  const startConsumer = () => startCarillon({ ...environment, ROLES: 'consumer' });
  const startGateway = () => startCarillon({ ...environment, ROLES: 'gateway' });
  const [consumer, ...gateways] = await Promise.all([startConsumer(), startGateway(), startGateway()]);
  const producer = new Producer(amqpUrl);
  const stack: Stack = {
    redis,
    producer,
    gateways,
    environment,
    consumer,
    async restartConsumer() {
      stack.consumer = await startConsumer();
    },
    async stop() {
      await producer.close();
      await Promise.all([stack.consumer, ...gateways].map((process) => process.stop()));
      await redis.stop();
    },
  };
  return stack;
}
