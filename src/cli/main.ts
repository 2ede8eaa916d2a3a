#!/usr/bin/env node
/** The command line `carillon`: its commands, and its exit codes. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { reasonOf } from '../resilience/reason.ts';
import { stackOf } from '../resilience/unavailable.ts';
import { addDeadLetters } from './dead-letters.ts';
import { addDoctor } from './doctor.ts';
import { addExplain } from './explain.ts';
import { Failure } from './failure.ts';
import { addLogLevel } from './log-level.ts';
import { addQueues } from './queues.ts';
import { addSend } from './send.ts';
import { addSources } from './sources.ts';
import { openTerminal, plain, type Terminal } from './terminal.ts';
import { addToken } from './token.ts';
import { addTopology } from './topology.ts';
import { addUsers } from './users.ts';
import { addWatch } from './watch.ts';

const ENDING = `
Environment:
  CARILLON_URL      where Carillon is for producers and clients (default http://localhost:3000)
  CARILLON_OPS_URL  where it is for operators (default http://localhost:3001)
  CARILLON_MANAGEMENT_URL
                    RabbitMQ's management API, for the doctor (default: AMQP_URL's host, port 15672)
  CARILLON_TOKEN    the token to show; otherwise JWT_SECRET makes one for the occasion
  JWT_SECRET, JWT_ISSUER, JWT_AUDIENCE, AMQP_URL, REDIS_URL …  as the service has them
  NO_COLOR          no colours, not even on a terminal

Exit codes: 0 done, 1 failed, 2 called in a wrong way.`;

function createProgram(terminal: Terminal): Command {
  const program = new Command('carillon')
    .description('Send events, watch what arrives, and find out why something does not.')
    .version(version(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.replace(/\n$/, '')),
      // The text repeats the arguments, which may come from strangers.
      writeErr: (text) => terminal.complain(text.replace(/\n$/, '')),
    })
    .showHelpAfterError('(add --help for help and examples)')
    .configureHelp({ styleTitle: (title) => terminal.style('bold', title) })
    .addHelpText('after', ENDING);
  addSend(program, terminal);
  addWatch(program, terminal);
  addToken(program, terminal);
  addDeadLetters(program, terminal);
  addExplain(program, terminal);
  addQueues(program, terminal);
  addLogLevel(program, terminal);
  addUsers(program, terminal);
  addSources(program, terminal);
  addTopology(program, terminal);
  addDoctor(program, terminal);
  return program;
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

/** Puts ids of dead letters last, behind `--`: one in 64 begins with a dash and would be read as an option. */
function withIdsLast(args: readonly string[]): string[] {
  const isDashed = (arg: string) => /^-[A-Za-z0-9_-]{42}$/.test(arg);
  if (args[0] !== 'dead-letters' || !args.some(isDashed)) return [...args];
  return [...args.filter((arg) => !isDashed(arg)), '--', ...args.filter(isDashed)];
}

async function main(): Promise<number> {
  const terminal = openTerminal(process);
  try {
    await createProgram(terminal).parseAsync(withIdsLast(process.argv.slice(2)), { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const isJson = process.argv.includes('--json');
    if (!(error instanceof Failure)) {
      const [message, stack] = [reasonOf(error), stackOf(error)];
      if (isJson) terminal.complainJson({ error: { code: 'internal', message, stack } });
      else
        terminal.complain(`${terminal.style('red', 'error')} a fault in this program (internal)\n${stack}`);
      return 1;
    }
    const { code, message, exitCode } = error;
    if (isJson) terminal.complainJson({ error: { code, message } });
    else terminal.complain(`${terminal.style('red', 'error')} ${plain(message)} (${plain(code)})`);
    return exitCode;
  }
}

// A reader may stop early, as in `carillon dead-letters list | head`: that is not a failure. A full disk is.
let unwritten: NodeJS.ErrnoException | undefined;
const end = (exitCode: number) =>
  process.exit(unwritten === undefined || unwritten.code === 'EPIPE' ? exitCode : 1);
process.stdout.on('error', (error) => {
  unwritten = error;
  end(0);
});
process.stderr.on('error', () => {});
const exitCode = await main();
// Waits until all output is written. Then ends the process, because a connection that RabbitMQ has blocked would keep
// it alive for ever.
process.stdout.write('', () => setImmediate(() => end(exitCode)));
