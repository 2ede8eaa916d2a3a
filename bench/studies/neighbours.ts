/**
 * Do clients that behave badly harm those that do not? One process, gateway and consumer, sends a steady stream to good
 * clients, while each kind of bad clients comes and goes several times. A run of everything takes a quarter of an hour,
 * and writes the tables to bench/results/neighbours.md.
 *
 *     npm run bench:neighbours
 *     npm run bench:neighbours -- silent dropping     only these     --smoke   does it run?
 */

import { signToken } from '../../src/operate/access/tokens.ts';
import { startRedis } from '../../test/support/redis.ts';
import { buildService } from '../support/build.ts';
import { Client, type Protocol } from '../support/client.ts';
import { isPinned, moveAside } from '../support/cores.ts';
import { Crowd, JWT_SECRET } from '../support/crowd.ts';
import { checkOpenFiles, describeMachine } from '../support/machine.ts';
import { openProducer } from '../support/producer.ts';
import { openRabbitMq } from '../support/rabbitmq.ts';
import { MeasuredGateway } from './neighbours/gateway.ts';
import { BUSY, isKind, KINDS } from './neighbours/kinds.ts';
import { measure, type Result } from './neighbours/measure.ts';
import { Stream } from './neighbours/stream.ts';
import { countsTable, latencyTable, memoryTable, processTable } from './neighbours/table.ts';
import { sized } from './support/size.ts';
import { chosenOf, publish } from './support/study.ts';

const PROTOCOL: Protocol = {
  path: '/socket.io/?EIO=4&transport=websocket',
  tokenIn: 'connect',
  firstMessage: '42["session",',
  offersDeflate: true,
};
const LOAD = {
  users: sized(300, 20),
  perSecond: sized(300, 50),
  dataBytes: 512,
  busyPerSecond: sized(40, 10),
  busyDataBytes: 16_000,
};
const MAX_OPENING = 50;
/** From this share of all cores on, processes wait for each other. */
const FULL = 0.85;
const MOST_SOCKETS = 8_000;

const chosen = chosenOf(Object.keys(KINDS).filter(isKind));
const durations = sized({ phaseMs: 8_000, rampMs: 4_000 }, { phaseMs: 500, rampMs: 300 });

checkOpenFiles(MOST_SOCKETS);
buildService();
moveAside();
const [redis, rabbitMq] = await Promise.all([startRedis(), openRabbitMq()]);
let gateway: MeasuredGateway | undefined;
try {
  const amqpUrl = await rabbitMq.vhost();
  gateway = await MeasuredGateway.start(redis.url, amqpUrl);
  const results = await measureAll(gateway, amqpUrl);
  const machine = await describeMachine(redis.url, rabbitMq.management, isPinned);
  publish('neighbours.md', report(results, machine));
} finally {
  await gateway?.stop();
  await Promise.all([redis.stop(), rabbitMq.stop()]);
}

async function measureAll(gateway: MeasuredGateway, amqpUrl: string): Promise<Result[]> {
  const crowd = new Crowd(gateway.port, PROTOCOL);
  const driver = await openProducer(amqpUrl);
  const reader = await busyReader(gateway.port);
  try {
    await crowd.connect(await crowd.tokens(LOAD.users), MAX_OPENING);
    const stream = new Stream(crowd, driver, LOAD);
    // In the first seconds, Node still compiles the code.
    await stream.run(durations.phaseMs);
    const results: Result[] = [];
    for (const kind of chosen) {
      for (const count of KINDS[kind].counts) {
        results.push(await measure(kind, count, gateway, stream, LOAD.users + 1, durations));
        console.error(JSON.stringify(results.at(-1)));
      }
    }
    return results;
  } finally {
    reader.close();
    crowd.close();
    await driver.close();
  }
}

/** On a full machine, the latencies measure the machine and not the gateway. */
function warningOf(results: readonly Result[]): string[] {
  const busiest = results.flatMap(({ rounds }) =>
    rounds.flatMap(({ alone, withBad }) => [alone.machineShare, withBad.machineShare]),
  );
  if (Math.max(...busiest) < FULL) return [];
  return [
    '**The machine was full in at least one phase (see "machine busy"): latencies, CPU, the delays of the event loop and all their ratios then tell of the machine and not of the gateway.** Memory and counts hold all the same.',
  ];
}

/** A good client in the busy department, so that the department's events reach the gateway without bad clients, too. */
async function busyReader(port: number): Promise<Client> {
  const token = await signToken({ secret: JWT_SECRET }, { sub: 'reader', departments: [BUSY] }, 3_600);
  const onFailure = (error: Error) => {
    throw error;
  };
  const client = new Client({ ...PROTOCOL, port, token, onNotification: () => {}, onFailure });
  await client.connected;
  return client;
}

function report(results: readonly Result[], machine: readonly string[]): string {
  const { users, perSecond, dataBytes, busyPerSecond, busyDataBytes } = LOAD;
  return [
    `\`npm run bench:neighbours\`, ${new Date().toISOString().slice(0, 10)}.`,
    ...machine,
    `One process, gateway and consumer, with its defaults, started as \`npm start\` does. ${users} good clients get ${perSecond} events a second of ${dataBytes} bytes, one user each, through RabbitMQ; a department gets ${busyPerSecond} a second of ${busyDataBytes} bytes, which one good client reads at all times and the bad ones that read nothing are in. Each phase lasts ${durations.phaseMs / 1_000} s: alone, with the bad ones, alone and so on; the figures in a cell are the phases of a kind, the ratio is of their medians. The bad ones, Redis, RabbitMQ and the load share one core, and what they take from each other is in the latencies too.`,
    ...warningOf(results),
    'Milliseconds from before the publish until the frame is at the client:',
    latencyTable(results),
    'The process itself, and how busy the machine was with whatever ran on it:',
    processTable(results),
    'Memory of the process; before and after with the garbage collected:',
    memoryTable(results),
    countsTable(results),
    '',
  ].join('\n\n');
}
