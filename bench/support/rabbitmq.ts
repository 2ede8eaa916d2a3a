/** A private RabbitMQ. Its start takes seconds, so a program that runs several benches starts one for all of them. */
import { z } from 'zod';
import { type Management, managementAt } from '../../test/support/management.ts';
import { amqpUrl, type RabbitMqServer, startRabbitMq } from '../../test/support/rabbitmq.ts';

/** Set by a program that runs several benches. */
const RABBITMQ = 'BENCH_RABBITMQ';

export interface BenchRabbitMq {
  readonly pid: number;
  readonly management: Management;
  /** Creates a vhost, and returns its AMQP URL. */
  vhost(): Promise<string>;
  /** Stops RabbitMQ, unless other benches use it too. */
  stop(): Promise<void>;
}

const sharedSchema = z.object({ pid: z.int(), port: z.int(), managementUrl: z.url() });

/** Environment variables for benches that are to use this server. */
export function shared({ pid, port, managementUrl }: RabbitMqServer): Readonly<Record<string, string>> {
  return { [RABBITMQ]: JSON.stringify({ pid, port, managementUrl }) };
}

export async function openRabbitMq(): Promise<BenchRabbitMq> {
  const given = process.env[RABBITMQ];
  if (given === undefined) {
    const server = await startRabbitMq();
    return { ...vhostsOf(server), stop: () => server.stop() };
  }
  const { managementUrl, ...server } = sharedSchema.parse(JSON.parse(given));
  return { ...vhostsOf({ ...server, management: managementAt(managementUrl) }), stop: async () => {} };
}

function vhostsOf({ pid, port, management }: Pick<RabbitMqServer, 'pid' | 'port' | 'management'>) {
  let made = 0;
  return {
    pid,
    management,
    async vhost() {
      made += 1;
      const name = `bench-${process.pid}-${made}`;
      await management.createVhost(name);
      return amqpUrl(port, name);
    },
  };
}
