/** `carillon sources`: what SOURCES_FILE would make of a message, without a server. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { readConfig } from '../config/config.ts';
import { textOfEvent } from '../contract/cloudevent.ts';
import type { Refusal } from '../contract/refusal.ts';
import { audiencesOf } from '../pipeline/routing/route.ts';
import { RoutesError, readRoutes } from '../pipeline/routing/routes-file.ts';
import { MessageReader } from '../pipeline/sources/message-reader.ts';
import { nameOf, sourceOf } from '../pipeline/sources/source.ts';
import { readSources, SourcesError } from '../pipeline/sources/sources-file.ts';
import { reasonOf } from '../resilience/reason.ts';
import { Failure } from './failure.ts';
import { JSON_OPTION } from './options.ts';
import { type Described, messageFrom, pair } from './sources-message.ts';
import { plain, type Terminal } from './terminal.ts';

interface Options extends Described {
  readonly routes?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  echo '{"customerId":"42"}' | carillon sources try sources.yaml --exchange shop.events --key order.shipped
  carillon sources try sources.yaml --exchange shop.events --property messageId=1 --header tenant=t1 < body.json
  carillon sources try sources.yaml --routes routes.yaml < message.json
  carillon sources check sources.yaml

A message is a JSON object { exchange, queue, routingKey, properties, headers, body }, of which any may be missing but the
body, or a body alone. Nothing is sent, and no server is needed. Exit code 1 when it would become a dead letter.`;

export function addSources(program: Command, terminal: Terminal): void {
  const sources = program
    .command('sources')
    .description('what a file of sources makes of messages')
    .addHelpText('after', EXAMPLES);
  sources
    .command('check')
    .description('say what is wrong with the file, with its lines')
    .argument('<file>', 'as SOURCES_FILE names it')
    .option(...JSON_OPTION)
    .action((file: string, { json }: Options) => {
      const found = read(file, readSources, terminal) ?? [];
      if (json) terminal.json({ sources: found.map(nameOf) });
      else terminal.print(found.map((one) => plain(nameOf(one))).join('\n') || 'no sources');
    });
  sources
    .command('try')
    .description('show what a message from standard input would become, and whom it would reach')
    .argument('<file>', 'as SOURCES_FILE names it')
    .option('--exchange <name>', 'where it was published (default: that of the only source)')
    .option('--queue <name>', 'where it would be taken from')
    .option('--key <key>', 'its routing key')
    .option(
      '--property <name=value>',
      'messageId, appId, type, timestamp, contentType …; again for more',
      pair,
    )
    .option('--header <name=value>', 'again for more', pair)
    .option('--routes <file>', 'whom events without an audience are for (default: ROUTES_FILE)')
    .option(...JSON_OPTION)
    .addHelpText('after', EXAMPLES)
    .action((file: string, options: Options) => tryMessage(file, options, terminal));
}

function tryMessage(file: string, options: Options, terminal: Terminal): void {
  const sources = read(file, readSources, terminal) ?? [];
  const routes = read(options.routes ?? (process.env.ROUTES_FILE || undefined), readRoutes, terminal);
  const { EVENT_MAX_BYTES: maxBytes, EVENT_MAX_AUDIENCES: maxAudiences } = limits();
  const arrival = messageFrom(readFileSync(0), options, sources);
  const { origin, fields } = arrival;
  const source = origin === undefined ? undefined : sourceOf(sources, origin, fields.routingKey);
  const by = source === undefined ? undefined : nameOf(source);
  const event = new MessageReader(sources, { maxBytes, maxAudiences }).read(arrival);
  if (!event.ok) throw refused(by, event.refusal);
  const text = textOfEvent(event.value);
  const mapped = audiencesOf(event.value.event, routes, maxAudiences);
  if (options.json) {
    terminal.json({ source: by, event: JSON.parse(text), audiences: mapped.ok ? mapped.value : [] });
    if (!mapped.ok) throw refused(by, mapped.refusal);
    return;
  }
  terminal.print(story(by, text, terminal));
  if (!mapped.ok) throw refused(by, mapped.refusal);
  const audiences = mapped.value.map(({ audience, route }) =>
    route === undefined ? plain(audience) : `${plain(audience)} (route ${plain(route)})`,
  );
  terminal.print(`${terminal.style('bold', 'for')}  ${audiences.join(', ')}`);
}

function story(source: string | undefined, text: string, terminal: Terminal): string {
  // Numbers that no double holds are printed as they are sent.
  const from = source === undefined ? 'no source: it is a CloudEvent' : plain(source);
  return `${terminal.style('bold', 'by')}  ${from}\n${terminal.style('bold', 'event')}  ${plain(text)}`;
}

function refused(source: string | undefined, { code, message, path }: Refusal): Failure {
  const by = source === undefined ? '' : `${source}: `;
  return new Failure(
    code,
    `it would become a dead letter: ${by}${path === undefined ? '' : `${path}: `}${message}`,
  );
}

function limits() {
  try {
    return readConfig(process.env);
  } catch {
    // The rest of the environment may be for another command; the limits then have their defaults.
    return readConfig({});
  }
}

function read<T>(file: string | undefined, parse: (file: string | undefined) => T, terminal: Terminal): T {
  try {
    return parse(file);
  } catch (error) {
    if (error instanceof SourcesError || error instanceof RoutesError) {
      for (const fault of error.faults) terminal.complain(plain(fault));
      throw new Failure(error.code, `${file} has ${error.faults.length} fault(s)`);
    }
    throw Failure.wrongUsage(`${file} cannot be read: ${reasonOf(error)}`);
  }
}
