/**
 * Carillon on a Redis Cluster, with two gateways and two consumers. Feeds are not compared with their logs by and by:
 * what is lost on the way is found because somebody noticed, or not at all.
 */
import { Cluster } from 'ioredis';
import { type CarillonProcess, startCarillon } from '../support/carillon.ts';
import { type ClusterNode, type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts';
import { TRIED_ENVIRONMENT, type TriedStack } from './fault-stack.ts';

export interface ClusterStack extends TriedStack {
  readonly cluster: RedisCluster;
  stop(): Promise<void>;
}

/** `amqpUrl`: a virtual host that nobody else uses. */
export async function startClusterStack(amqpUrl: string): Promise<ClusterStack> {
  const cluster = await startRedisCluster();
  const start = (role: string): Promise<CarillonProcess> =>
    startCarillon({
      ...TRIED_ENVIRONMENT,
      AMQP_URL: amqpUrl,
      REDIS_URL: cluster.url,
      ROLES: role,
      FEED_CHECK_SECONDS: '3600',
    });
  const [first, second, ...consumers] = await Promise.all([
    start('gateway'),
    start('gateway'),
    start('consumer'),
    start('consumer'),
  ]);
  const control = new Cluster(cluster.url.split(','), { slotsRefreshInterval: 1_000 });
  control.on('error', () => {});
  return {
    amqpUrl,
    cluster,
    control,
    gateways: [first, second],
    consumers,
    async stop() {
      control.disconnect();
      await Promise.all([first, second, ...consumers].map((process) => process.stop()));
      await cluster.stop();
    },
  };
}

/**
 * Kills the primary in such a way that its replica has all that it acknowledged: nothing is written any more while it
 * waits for the replica.
 */
export async function killInStep(primary: ClusterNode): Promise<void> {
  await holdWrites(primary, 20_000);
  await primary.server.kill();
}

/** Freezes it in the same way. What comes to it then is still there when it goes on, and it believes to be the primary. */
export async function freezeInStep(primary: ClusterNode): Promise<void> {
  // Not for longer: it takes writes as soon as it goes on.
  const forMs = 2_000;
  for (let tries = 0; tries < 10; tries += 1) {
    const startMs = performance.now();
    const isInStep = await holdWrites(primary, forMs).then(
      () => true,
      () => false,
    );
    await primary.server.pause();
    // Otherwise it may have written something between.
    if (isInStep && performance.now() - startMs < forMs) return;
    await primary.server.resume();
  }
  throw new Error('the primary could not be frozen in step');
}

async function holdWrites({ control }: ClusterNode, forMs: number): Promise<void> {
  await control.call('CLIENT', 'PAUSE', forMs, 'WRITE');
  const replicas = await control.wait(1, forMs);
  if (replicas < 1) throw new Error('the replica is not in step');
}
