/** For files whose tests run several processes, one after the other or together, on a RabbitMQ and a Redis of the file. */
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from './carillon.ts';
import { connectClient, type TestClient } from './client.ts';
import { freshRedis, freshVhost } from './servers.ts';

/** What is set before all tests of the file. */
interface Servers {
  readonly amqpUrl: string;
  /** The variables that every process has. */
  readonly common: Readonly<Record<string, string>>;
  readonly model: ChannelModel;
  /** A channel of another team's. */
  readonly theirs: Channel;
}

export interface OwnInstallation {
  readonly servers: Servers;
  /** Whose end the caller need not see to. */
  readonly running: CarillonProcess[];
  start(environment: Readonly<Record<string, string>>): Promise<CarillonProcess>;
  /** A client that has its session. */
  clientOf(carillon: CarillonProcess, user: string): Promise<TestClient>;
}

/** MUST be called at the top of a test file. After each test its processes and clients end. */
export function ownInstallation(): OwnInstallation {
  let servers: Servers | undefined;
  const running: CarillonProcess[] = [];
  const clients: TestClient[] = [];
  const installation: OwnInstallation = {
    get servers() {
      if (servers === undefined) throw new Error('the servers are there once the tests begin');
      return servers;
    },
    running,
    async start(environment) {
      const carillon = await startCarillon({ ...installation.servers.common, ...environment });
      running.push(carillon);
      return carillon;
    },
    async clientOf(carillon, user) {
      const client = connectClient(carillon.url, await tokenFor(user));
      clients.push(client);
      await client.session();
      return client;
    },
  };
  beforeAll(async () => {
    const amqpUrl = await freshVhost();
    const common = { AMQP_URL: amqpUrl, REDIS_URL: await freshRedis(), JWT_SECRET };
    const model = await connect(amqpUrl);
    servers = { amqpUrl, common, model, theirs: await model.createConfirmChannel() };
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await Promise.all(running.splice(0).map((one) => one.stop()));
  });
  afterAll(() => servers?.model.close());
  return installation;
}
