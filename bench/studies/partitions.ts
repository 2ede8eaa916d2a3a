/**
 * What do partitions cost? The study measures CPU per event and events per second with 1, 2 and 4 partitions in as many
 * consumer processes, with separate figures for RabbitMQ and Redis. A run of everything takes four to ten minutes, and
 * writes bench/results/partitions.md.
 *
 *     npm run bench:partitions
 *     npm run bench:partitions -- 1 4    only these     --smoke   does it run?
 *     npm run bench -- --only partitions    the same study
 */
import { buildService } from '../support/build.ts';
import { decimal } from '../support/figures.ts';
import { describeMachine } from '../support/machine.ts';
import { openRabbitMq } from '../support/rabbitmq.ts';
import { DATA_BYTES, Stage, USERS } from './partitions/stage.ts';
import { costsTable, type Result, ratesTable } from './partitions/table.ts';
import { sized } from './support/size.ts';
import { chosenOf, publish } from './support/study.ts';

const PARTITIONS = sized(['1', '2', '4'], ['1', '2']);
/** The same number for each process, so that the time which each needs to reach full speed has the same weight. */
const EVENTS_EACH = sized(5_000, 200);
const WARM_UP_EACH = sized(20_000, 200);
/**
 * Each run has processes of its own, because Node compiles and lays out the same program differently in each process.
 */
const RUNS = sized(3, 1);
const ROUNDS = sized(3, 1);

const chosen = chosenOf(PARTITIONS).map(Number);
buildService();
const rabbitMq = await openRabbitMq();
try {
  const results = chosen.map((partitions): Result => ({ partitions, rounds: [] }));
  let machine: readonly string[] = [];
  for (let run = 0; run < RUNS; run += 1) machine = await measure(results);
  publish('partitions.md', report(results, machine));
} finally {
  await rabbitMq.stop();
}

/**
 * Takes turns, so that other load on the machine affects all alike. Adds to the results, and returns a description of
 * the machine.
 */
async function measure(results: readonly Result[]): Promise<readonly string[]> {
  const opened = await Promise.allSettled(
    results.map(async ({ partitions }) => Stage.open(partitions, rabbitMq.pid, await rabbitMq.vhost())),
  );
  const stages = opened.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  try {
    for (const one of opened) if (one.status === 'rejected') throw one.reason;
    for (const stage of stages) await stage.round(WARM_UP_EACH);
    for (let turn = 0; turn < ROUNDS; turn += 1) {
      for (const [at, stage] of stages.entries()) {
        const round = await stage.round(EVENTS_EACH);
        results[at]?.rounds.push(round);
        console.error(`${stage.partitions}: ${JSON.stringify(round)}`);
      }
    }
    for (const stage of stages) await stage.checkArrived();
    return await describeMachine(stages[0]?.redisUrl ?? '', rabbitMq.management, undefined);
  } finally {
    for (const stage of stages) await stage.close();
  }
}

function report(results: readonly Result[], machine: readonly string[]): string {
  return [
    `\`npm run bench:partitions\`, ${new Date().toISOString().slice(0, 10)}.`,
    ...machine,
    `As many consumer processes (\`ROLES=consumer\`) as partitions, with their defaults and one partition each, a Redis for each number, one RabbitMQ with one scheduler. In each round ${decimal(EVENTS_EACH)} events for each process are published while the processes are stopped, ${DATA_BYTES} bytes of data, to one of ${decimal(USERS)} users each, who are their keys; then all are taken. Medians of ${RUNS * ROUNDS} rounds, in which the numbers take turns, and their extremes; ratios are of the same round. Every ${ROUNDS} rounds have processes of their own. In the end every event was in its user's log, once and in order.`,
    'RabbitMQ, in: from the producer into the quorum queues; out: from there to the consumers, with what they acknowledge.',
    costsTable(results),
    'What the CPU allows is 1 s ÷ CPU of the consumers an event: the rate of one consumer that has a core for itself. The rate seen is that of these cores, which the processes share with RabbitMQ, Redis and whatever else ran on the machine.',
    ratesTable(results),
    '',
  ].join('\n\n');
}
