/** `carillon doctor`: checks everything that the service's configuration leads to, and says what to change. */

import type { Command } from 'commander';
import { partitioningOf } from '../adapters/rabbitmq/names.ts';
import { type BackendAddresses, type Config, ConfigError, readConfig } from '../config/config.ts';
import { managementUrlOf } from './environment.ts';
import { Failure } from './failure.ts';
import type { Finding } from './finding.ts';
import { JSON_OPTION } from './options.ts';
import { plain, type Terminal } from './terminal.ts';

const EXAMPLES = `
Examples:
  carillon doctor                                    (in the service's own environment)
  AMQP_URL=amqp://… REDIS_URL=redis://… JWT_SECRET=… carillon doctor
  carillon doctor --json | jq 'select(.verdict == "wrong")'

Reads the same variables as the service, and changes nothing. Exit code 1 when something is wrong; 0 when there is
nothing but ok, advice, and unknown: what could not be looked at.`;

export function addDoctor(program: Command, terminal: Terminal): void {
  program
    .command('doctor')
    .description('check configuration, RabbitMQ, Redis, clocks and limits')
    .option(...JSON_OPTION)
    .addHelpText('after', EXAMPLES)
    .action(async ({ json }: { readonly json?: boolean }) => {
      const findings: Finding[] = [];
      for await (const finding of examine(process.env)) {
        findings.push(finding);
        if (json) terminal.json(finding);
        else terminal.print(lineOf(finding, terminal));
      }
      const wrong = findings.filter(({ verdict }) => verdict === 'wrong').length;
      if (wrong > 0)
        throw new Failure('wrong', `${wrong} of ${findings.length} checks found something wrong`);
    });
}

/** All checks, for the variables of one process. */
export async function* examine(environment: NodeJS.ProcessEnv): AsyncGenerator<Finding> {
  let config: Config;
  try {
    config = readConfig(environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const change =
      'correct these variables, see docs/configuration.md; nothing else is looked at before that';
    yield { check: 'configuration', verdict: 'wrong', found: error.message, change };
    return;
  }
  // Loaded only here, because no other command needs them.
  const [{ examineConfiguration }, { examineTokens }] = await Promise.all([
    import('./doctor-configuration.ts'),
    import('./doctor-tokens.ts'),
  ]);
  yield* examineConfiguration(config);
  yield* examineTokens(config, environment.JWT_SECRET);
  if (config.backends !== undefined) yield* examineBackends(config, config.backends, environment);
  const { examineMachine } = await import('./doctor-machine.ts');
  yield* examineMachine(config, environment);
}

async function* examineBackends(
  config: Config,
  backends: BackendAddresses,
  environment: NodeJS.ProcessEnv,
): AsyncGenerator<Finding> {
  const [
    { examineCertificates },
    { examineRabbitMq },
    { examineSources, sourcesIn },
    { ManagementApi },
    { examinePolicies },
    { examineBindings },
    { examineRedis },
  ] = await Promise.all([
    import('./doctor-certificates.ts'),
    import('./doctor-rabbitmq.ts'),
    import('./doctor-sources.ts'),
    import('./management-api.ts'),
    import('./doctor-policies.ts'),
    import('./doctor-bindings.ts'),
    import('./doctor-redis.ts'),
  ]);
  yield* examineCertificates(backends, environment);
  const { amqp } = backends;
  const partitioning = partitioningOf(config);
  let isSettled = true;
  for await (const finding of examineRabbitMq(amqp, partitioning, config)) {
    if (finding.check === 'rabbitmq partitions') isSettled = false;
    yield finding;
  }
  const sources = sourcesIn(config.SOURCES_FILE);
  if (config.ROLES.includes('consumer')) yield* examineSources(amqp, partitioning, sources);
  const management = new ManagementApi(amqp, managementUrlOf(environment));
  const queues = sources.flatMap((source) => ('queue' in source ? [source.queue] : []));
  yield* await examinePolicies(management, partitioning, queues);
  yield* await examineBindings(management, amqp, partitioning, sources, isSettled);
  yield* examineRedis(backends, config.REDIS_MIN_REPLICAS);
}

const COLOURS = { ok: 'green', advice: 'yellow', wrong: 'red', unknown: 'dim' } as const;

function lineOf({ check, verdict, found, change }: Finding, terminal: Terminal): string {
  const mark = terminal.style(COLOURS[verdict], verdict.padEnd(7));
  const text = found.split('\n').map(plain).join('\n         ');
  return `${mark}  ${plain(check)}: ${text}${change === undefined ? '' : `\n        → ${plain(change)}`}`;
}
