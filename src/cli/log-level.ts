/** `carillon log-level`: shows the level of a process's log, or sets that of all processes for a while. */
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { DEFAULT_LEVEL_SECONDS, logLevelSchema, logLevelStateSchema } from '../contract/log-level.ts';
import { askOps } from './api.ts';
import { Failure } from './failure.ts';
import { duration, JSON_OPTION } from './options.ts';
import { plain, type Terminal } from './terminal.ts';

interface Options {
  readonly for: number;
  readonly node?: string;
  readonly reset?: boolean;
  readonly json?: boolean;
}

const PATH = '/admin/log-level';

const changedSchema = z.looseObject({ level: z.string(), until: z.string() });

const EXAMPLES = `
Examples:
  carillon log-level
  carillon log-level debug --for 10m
  carillon log-level debug --node gateway-7d4f-3fa2c1
  carillon log-level --reset

Without a level it shows that of the process at CARILLON_OPS_URL. Needs a token with the scope admin; to show it,
admin:read is enough.`;

export function addLogLevel(program: Command, terminal: Terminal): void {
  program
    .command('log-level')
    .description('show or set the level of the log, for a while')
    .argument('[level]', logLevelSchema.options.join(', '))
    .addOption(
      new Option('--for <time>', 'how long').argParser(duration).default(DEFAULT_LEVEL_SECONDS, '10m'),
    )
    .option('--node <node>', 'only this process')
    .option('--reset', 'go back to LOG_LEVEL now')
    .option(...JSON_OPTION)
    .addHelpText('after', EXAMPLES)
    .action(async (level: string | undefined, options: Options) => {
      if (level !== undefined && options.reset) throw Failure.wrongUsage('give a level, or --reset');
      if (level !== undefined) await set(level, options, terminal);
      else if (options.reset) await reset(options, terminal);
      else await show(options, terminal);
    });
}

async function set(level: string, { for: forSeconds, node, json }: Options, terminal: Terminal) {
  if (!logLevelSchema.safeParse(level).success)
    throw Failure.wrongUsage(`a level is one of ${logLevelSchema.options.join(', ')}`);
  const body = { level, forSeconds, ...(node === undefined ? {} : { node }) };
  const answer = await askOps(PATH, changedSchema, { scope: 'admin', method: 'PUT', body });
  if (json) terminal.json(answer);
  else terminal.print(`${whose(node)}: ${plain(answer.level)} until ${plain(answer.until)}`);
}

async function reset({ node, json }: Options, terminal: Terminal) {
  const query = node === undefined ? '' : `?${new URLSearchParams({ node })}`;
  await askOps(`${PATH}${query}`, z.unknown(), { scope: 'admin', method: 'DELETE' });
  if (json) terminal.json({ reset: true, ...(node === undefined ? {} : { node }) });
  else terminal.print(`${whose(node)}: back to LOG_LEVEL`);
}

async function show({ json }: Options, terminal: Terminal) {
  const answer = await askOps(PATH, logLevelStateSchema, { scope: 'admin:read' });
  const { node, level, configured, until } = answer;
  if (json) terminal.json(answer);
  else if (until === undefined) terminal.print(`${plain(node)}: ${level}`);
  else terminal.print(`${plain(node)}: ${level} until ${plain(until)}, then ${configured}`);
}

function whose(node: string | undefined): string {
  return node === undefined ? 'all processes' : plain(node);
}
