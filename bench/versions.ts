/**
 * `npm run bench:versions` compares versions and settings of Carillon, side by side in one run, end to end to one user
 * each. A version is a commit, or `.` for the working tree. Variables may follow. Ratios are relative to the first
 * version.
 *
 *     npm run bench:versions -- f134d46 .                      what has come since costs
 *     npm run bench:versions -- .,TRAIL_SECONDS=0 .            what keeping outcomes costs
 *     --rounds 15   instead of 9     --smoke   does it run?
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRedis } from '../test/support/redis.ts';
import type { Setup } from './compare/job.ts';
import { answerOf, compile } from './compare/measurement.ts';
import { mostSockets, worksOf } from './compare/works.ts';
import { isPinned, moveAside, SERVER_CORE } from './support/cores.ts';
import { emptied } from './support/emptied.ts';
import { decimal, finite, median, quartiles } from './support/figures.ts';
import { checkOpenFiles, describeMachine } from './support/machine.ts';
import { markdown } from './support/markdown.ts';
import { openRabbitMq } from './support/rabbitmq.ts';
import { buildVersions, readVersion } from './versions/build.ts';
import { microsSchema, type Order } from './versions/order.ts';

/** With this number, a portion takes a quarter of a second. */
const PORTIONS = 10;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '9' },
    smoke: { type: 'boolean', default: false },
  },
});
const rounds = values.smoke ? 1 : Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number of at least 1');
const asked = positionals.map(readVersion);
if (asked.length < 2) throw new Error('give two versions at least, for example: f134d46 .');
const work = worksOf(values.smoke).find(({ plan }) => plan.kind === 'to-users');
if (work?.plan.kind !== 'to-users') throw new Error('there is no such work');
// A service runs for weeks. Node compiles code that seldom runs, such as writing a log line, only after the first
// seconds.
const plan = { ...work.plan, warmUpEvents: work.plan.events };
checkOpenFiles(asked.length * mostSockets([work]));

const folder = mkdtempSync(join(tmpdir(), 'carillon-versions-'));
compile();
const versions = buildVersions(asked, folder);
moveAside();
const servers = await Promise.all(versions.map(() => startRedis()));
const rabbitMq = await openRabbitMq();
try {
  const micros = versions.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    // Each round has processes of its own, because Node compiles and lays out the same program differently in each
    // process.
    const found = await measureBeside(round);
    for (const [at, { name }] of versions.entries()) {
      const value = found[at] ?? Number.NaN;
      micros[at]?.push(value);
      console.error(`round ${round + 1}, ${name}: ${decimal(value)} µs`);
    }
  }
  const machine = await describeMachine(servers[0]?.url ?? '', rabbitMq.management, isPinned);
  console.log([`\n\`${work.title}\`, ${rounds} rounds.`, ...machine, table(micros), ''].join('\n\n'));
} finally {
  await Promise.all([...servers, rabbitMq].map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}

async function measureBeside(round: number): Promise<readonly number[]> {
  const setups: Setup[] = [];
  for (const [at, { program, environment }] of versions.entries()) {
    const redis = servers[at];
    if (redis === undefined) continue;
    setups.push({
      contestant: 'carillon',
      version: { program, environment },
      ...(await emptied(redis, rabbitMq)),
      ...(isPinned ? { serverCore: SERVER_CORE } : {}),
      logFile: join(folder, `${round}-${at}.log`),
    });
  }
  const order: Order = { setups, plan, portions: values.smoke ? 1 : PORTIONS };
  return microsSchema.parse(await answerOf('versions/measure', order));
}

/** Compares only figures of the same round, because other load on the machine changes more slowly than that. */
function table(micros: readonly (readonly number[])[]): string {
  const [first = []] = micros;
  const rows = asked.map(({ name }, at) => {
    const own = micros[at] ?? [];
    const ratios = own.map((value, round) => value / (first[round] ?? Number.NaN));
    const [low, high] = quartiles(ratios);
    const cells = [name, decimal(median(own)), decimal(Math.min(...own))];
    return [
      ...cells,
      ...(at === 0 ? ['', ''] : [ratioText(median(ratios)), `${ratioText(low)} to ${ratioText(high)}`]),
    ];
  });
  return markdown(['version', 'CPU-µs an event, median', 'least', 'ratio, median', 'its middle half'], rows);
}

function ratioText(ratio: number): string {
  return finite(ratio).toFixed(3);
}
