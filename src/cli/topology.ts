/** `carillon topology`: what Carillon needs in RabbitMQ, for administrators who declare it themselves. */
import type { Command } from 'commander';
import { definitionsOf, type ForeignTopology, permissionsOf } from '../adapters/rabbitmq/definitions.ts';
import { readSources, SourcesError } from '../pipeline/sources/sources-file.ts';
import { reasonOf } from '../resilience/reason.ts';
import { amqpAddressFor, partitioningFor } from './environment.ts';
import { Failure } from './failure.ts';
import { JSON_OPTION } from './options.ts';
import { plain, type Terminal } from './terminal.ts';

interface Options {
  readonly permissions?: boolean;
  readonly user?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  carillon topology > carillon.json
  rabbitmqctl import_definitions carillon.json
  carillon topology --permissions --user carillon

The virtual host is that of AMQP_URL (default: /), and the queues of events are those of PARTITIONS and PARTITION_BY.
What SOURCES_FILE names is bound, or may be read, too: its exchanges must be there before the import. Nothing is
connected to.`;

export function addTopology(program: Command, terminal: Terminal): void {
  program
    .command('topology')
    .description('print the exchanges, queues and bindings that Carillon needs in RabbitMQ, or the rights')
    .option('--permissions', 'the commands that give a user the rights, with AMQP_DECLARE and without')
    .option('--user <name>', 'who gets them (default: that of AMQP_URL)')
    .option(...JSON_OPTION)
    .addHelpText('after', EXAMPLES)
    .action(({ permissions, user, json }: Options) => {
      const { vhost, username } = amqpAddressFor(process.env.AMQP_URL || 'amqp://carillon@localhost', {});
      // The certificate may be the login.
      const who = user ?? (username || 'carillon');
      const foreign = foreignIn(process.env.SOURCES_FILE || undefined, terminal);
      const partitioning = partitioningFor();
      if (!permissions) {
        const definitions = definitionsOf(vhost, partitioning, foreign);
        if (json) terminal.json(definitions);
        else terminal.print(JSON.stringify(definitions, undefined, 2));
        return;
      }
      for (const declares of [true, false]) {
        const rights = permissionsOf(declares, partitioning, foreign);
        if (json) terminal.json({ AMQP_DECLARE: declares, vhost, user: who, ...rights });
        else terminal.print(commandOf(vhost, who, declares, rights));
      }
    });
}

function commandOf(
  vhost: string,
  user: string,
  declares: boolean,
  { configure, write, read }: ReturnType<typeof permissionsOf>,
): string {
  const [place, owner] = [vhost, user].map((name) => (/^[\w/.-]+$/.test(name) ? name : quoted(name)));
  const rights = [configure, write, read].map(quoted).join(' ');
  return `# AMQP_DECLARE=${declares}\nrabbitmqctl set_permissions -p ${place} ${owner} ${rights}`;
}

/** For a shell. */
function quoted(word: string): string {
  return `'${plain(word).replaceAll("'", "'\\''")}'`;
}

function foreignIn(file: string | undefined, terminal: Terminal): ForeignTopology {
  try {
    return readSources(file) ?? [];
  } catch (error) {
    if (!(error instanceof SourcesError))
      throw Failure.wrongUsage(`${file} cannot be read: ${reasonOf(error)}`);
    for (const fault of error.faults) terminal.complain(plain(fault));
    throw new Failure(error.code, `${file} has ${error.faults.length} fault(s)`);
  }
}
