/** `carillon send`: publishes an event, over HTTP or directly to RabbitMQ. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { type ReadEvent, readEnvelope, STRUCTURED_TYPE, textOfEvent } from '../contract/cloudevent.ts';
import { isJsonObject, type JsonObject } from '../contract/json.ts';
import { memberText } from '../contract/json-text.ts';
import { withMember } from '../contract/written.ts';
import { ask } from './api.ts';
import { amqpAddressFor, tokenFor, urlOf, withoutLogin } from './environment.ts';
import { Failure } from './failure.ts';
import { readBytes } from './files.ts';
import { JSON_OPTION, listed } from './options.ts';
import { plain, type Terminal } from './terminal.ts';
import { jsonIn } from './web.ts';

interface Options {
  readonly type?: string;
  readonly audience?: readonly string[];
  readonly source?: string;
  readonly id?: string;
  readonly title?: string;
  readonly body?: string;
  readonly data?: string;
  readonly severity?: string;
  readonly expires?: string;
  readonly event?: string;
  readonly file?: string;
  readonly contentType?: string;
  readonly url?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  carillon send --audience user:42 --title 'Your order is on its way'
  carillon send --type order.shipped --audience user:42,user:43 --data '{"title":"Shipped","url":"/orders/1"}'
  carillon send --type order.shipped --data '{"customerId":"42"}'        (routes decide who gets it)
  carillon send --event event.json --url amqp://localhost                (a whole CloudEvent, straight to RabbitMQ)
  generate-event | carillon send --event -
  carillon send --audience user:42 --file scan.png --content-type image/png

Over HTTP it needs a token with the scope events:write. Done means that RabbitMQ has confirmed the event.`;

export function addSend(program: Command, terminal: Terminal): void {
  program
    .command('send')
    .description('publish an event')
    .option('-t, --type <type>', 'dotted words (default: carillon.cli.sent)')
    .option(
      '-a, --audience <audiences>',
      'user:<id>, department:<id>, topic:<id>, global; left out: routes decide',
      listed,
    )
    .option('--title <text>', 'what a bell shows: data.title')
    .option('--body <text>', 'what a bell shows: data.body')
    .option('--data <json>', 'the data, as a JSON object')
    .option('--file <file>', 'its bytes in place of data; - reads standard input')
    .option('--content-type <type>', 'what the bytes are (default: application/octet-stream)')
    .option('--severity <severity>', 'info, success, warning or critical')
    .option('--source <uri>', 'which service it is from (default: /carillon/cli)')
    .option('--id <id>', 'the same source and id again is delivered once (default: a new one)')
    .option('--event <file>', 'a whole CloudEvent as JSON; - reads standard input')
    .option(
      '--url <url>',
      'http(s):// for the API, amqp(s):// for RabbitMQ (default: CARILLON_URL, or AMQP_URL)',
    )
    .option(...JSON_OPTION)
    .addHelpText('after', EXAMPLES)
    .action(async (options: Options) => {
      const read = eventOf(options);
      const target = targetOf(options.url);
      if (/^amqps?:/.test(target)) {
        const { sendOverAmqp } = await import('./send-amqp.ts');
        await sendOverAmqp(amqpAddressFor(target), read);
      } else await sendOverHttp(urlOf(target), read);
      const { id, source } = read.event;
      if (options.json) terminal.json({ id, source });
      else terminal.print(`${terminal.style('green', 'confirmed')} ${plain(id)} from ${plain(source)}`);
    });
}

function targetOf(url: string | undefined): string {
  const { CARILLON_URL, AMQP_URL } = process.env;
  return url || CARILLON_URL || AMQP_URL || 'http://localhost:3000';
}

function eventOf(options: Options): ReadEvent {
  const { event: file, type, source, id, audience, severity } = options;
  const dataText = dataTextOf(options);
  const eventText = file === undefined ? undefined : readBytes(file, '--event').toString();
  const given = eventText === undefined ? undefined : parsedObject(eventText, '--event');
  const envelope = {
    specversion: '1.0',
    id: randomUUID(),
    source: '/carillon/cli',
    type: 'carillon.cli.sent',
    time: new Date().toISOString(),
    ...given,
    ...(type === undefined ? {} : { type }),
    ...(source === undefined ? {} : { source }),
    ...(id === undefined ? {} : { id }),
    ...(audience === undefined ? {} : { audience }),
    ...(severity === undefined ? {} : { severity }),
    ...(dataText === undefined ? {} : { data: JSON.parse(dataText) }),
    ...bytesOf(options),
  };
  const givenText = eventText === undefined ? undefined : memberText(eventText, 'data');
  const read = readEnvelope(envelope, dataText ?? givenText);
  if (read.ok) return read.value;
  const { code, message, path } = read.refusal;
  throw new Failure(code, `the event is not valid${path ? `, at ${path}` : ''}: ${message}`, 2);
}

/** The data as JSON text. The text of --data is sent unchanged. */
function dataTextOf({ data, title, body, event, file }: Options): string | undefined {
  if (data === undefined && title === undefined && body === undefined)
    return event === undefined && file === undefined ? '{}' : undefined;
  if (data !== undefined) parsedObject(data, '--data');
  let text = data ?? '{}';
  for (const [name, value] of Object.entries({ title, body })) {
    // If the data has this member too, the last one counts.
    if (value !== undefined) text = withMember(text, name, JSON.stringify(value));
  }
  return text;
}

function bytesOf({ file, contentType }: Options): JsonObject {
  if (file === undefined && contentType !== undefined)
    throw Failure.wrongUsage('--content-type tells what the bytes of --file are');
  if (file === undefined) return {};
  const data_base64 = readBytes(file, '--file').toString('base64');
  return { datacontenttype: contentType ?? 'application/octet-stream', data_base64 };
}

function parsedObject(text: string, name: string): JsonObject {
  const value = jsonIn(text);
  if (isJsonObject(value)) return value;
  throw Failure.wrongUsage(`${name} must be a JSON object`);
}

async function sendOverHttp(url: string, read: ReadEvent): Promise<void> {
  const token = await tokenFor({ scope: 'events:write' });
  await ask(`${withoutLogin('CARILLON_URL or --url', url)}/v1/events`, {
    token,
    body: textOfEvent(read),
    contentType: STRUCTURED_TYPE,
  });
}
