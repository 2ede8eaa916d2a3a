/** `carillon watch`: follows audiences as a device does, and prints what arrives. */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  bytesOf,
  type Client,
  type ClientStorage,
  type ConnectionState,
  connect,
  type Notification,
  textsOf,
} from '../clients/client/connect.ts';
import { type Audience, faultOfAudience, isAudience } from '../contract/audience.ts';
import { normalised } from '../contract/id.ts';
import { isJsonObject } from '../contract/json.ts';
import { tokenFor, urlOf } from './environment.ts';
import { Failure } from './failure.ts';
import { readBytes } from './files.ts';
import { JSON_OPTION, whole } from './options.ts';
import { plain, type Terminal } from './terminal.ts';
import { jsonIn } from './web.ts';

interface Options {
  readonly user?: string;
  readonly count?: number;
  readonly cursors?: string;
  readonly url?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  carillon watch user:42
  carillon watch global department:sales topic:ticker.btc-usd
  carillon watch user:42 --cursors .carillon-cursors.json     (goes on where it ended the last time)
  carillon watch user:42 --count 1 --json | jq .data.title

With CARILLON_TOKEN it sees what that token allows; with JWT_SECRET it makes a token for what is watched. It connects again
by itself, and misses nothing meanwhile. Ends with Ctrl-C, after --count, or with 1 when it is not let in.`;

export function addWatch(program: Command, terminal: Terminal): void {
  program
    .command('watch')
    .description('follow audiences and print what arrives')
    .argument(
      '[audiences...]',
      'user:<id>, department:<id>, topic:<id>, global; none: all that the token brings',
      audiences,
    )
    .option('--user <id>', 'who to be, when a token is made and no user: is watched (default: carillon-cli)')
    .option('--count <n>', 'end after so many notifications', whole(1, 1_000_000_000))
    .option('--cursors <file>', 'where to keep what was seen, so that the next time goes on from there')
    .option('--url <url>', 'the gateway (default: CARILLON_URL)')
    .option(...JSON_OPTION)
    .addHelpText('after', EXAMPLES)
    .action((watched: readonly Audience[] | undefined, options: Options) =>
      watch(watched ?? [], options, terminal),
    );
}

function audiences(value: string, before: readonly Audience[] = []): Audience[] {
  const audience = normalised(value);
  if (isAudience(audience)) return [...before, audience];
  throw Failure.wrongUsage(`${plain(value)} is no audience: ${faultOfAudience(audience)}`);
}

async function watch(watched: readonly Audience[], options: Options, terminal: Terminal): Promise<void> {
  const idsOf = (kind: string) =>
    watched.filter((audience) => audience.startsWith(kind)).map((audience) => audience.slice(kind.length));
  const [users, topics] = [idsOf('user:'), idsOf('topic:')];
  if (users.length > 1) throw Failure.wrongUsage('one connection is one user: watch one user: at a time');
  const claims = {
    sub: users[0] ?? options.user ?? 'carillon-cli',
    departments: idsOf('department:'),
    topics,
  };
  const url = urlOf(options.url);
  // Fails now, before connecting, if there is no token.
  await tokenFor(claims);
  const client = connect({
    url,
    token: () => tokenFor(claims),
    device: 'carillon-cli',
    ...(options.cursors === undefined ? {} : { storage: fileStorage(options.cursors) }),
  });
  process.once('SIGINT', () => client.close());
  process.once('SIGTERM', () => client.close());
  await follow(client, watched, topics, options, terminal);
}

function follow(
  client: Client,
  watched: readonly Audience[],
  topics: readonly string[],
  { count, json }: Options,
  terminal: Terminal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = count ?? Number.POSITIVE_INFINITY;
    const fail = (code: string, message: string) => {
      reject(new Failure(code, message));
      client.close();
    };
    client.on('notification', (notification) => {
      if (left === 0 || (watched.length > 0 && !watched.some((one) => one === notification.audience))) return;
      if (json) terminal.json(notification);
      else terminal.print(lineOf(notification, terminal));
      left -= 1;
      if (left === 0) client.close();
    });
    client.on('session', ({ user, audiences: joined }) => {
      const missing = watched.find((audience) => !audience.startsWith('topic:') && !(audience in joined));
      if (missing !== undefined) fail('forbidden', `the token does not bring ${missing}`);
      else terminal.complain(terminal.style('dim', `connected as ${plain(user)}`));
    });
    client.on('resync', () =>
      terminal.complain('some notifications may be lost: Redis lost a part of its log'),
    );
    client.on('state', (state) => {
      if (state.status === 'waiting' && isRefused(state)) fail(state.reason, 'the token is not taken');
      else if (state.status === 'waiting')
        terminal.complain(terminal.style('dim', `not connected: ${plain(state.reason)}`));
      else if (state.status === 'closed' && state.reason !== 'closed')
        fail(state.reason, 'sent away by the server');
      else if (state.status === 'closed') resolve();
    });
    client.on('error', ({ code, message }) => terminal.complain(plain(`${message} (${code})`)));
    for (const topic of topics) {
      client.subscribe(topic).catch((error: unknown) => {
        if (!(error instanceof Error) || error.name !== 'CarillonError') reject(error);
        else if (client.state.status !== 'closed') fail('forbidden', `topic:${topic}: ${error.message}`);
      });
    }
  });
}

function isRefused({ reason }: Extract<ConnectionState, { status: 'waiting' }>): boolean {
  return reason === 'unauthorized' || reason === 'token_failed';
}

function lineOf(notification: Notification, terminal: Terminal): string {
  const { audience, offset, time, type, severity } = notification;
  const place = terminal.style('dim', plain(`${time} ${audience} ${offset}`));
  const colour = severity === 'critical' ? 'red' : severity === 'warning' ? 'yellow' : 'bold';
  return `${place}  ${plain(type)}  ${terminal.style(colour, plain(wordsOf(notification)))}`;
}

function wordsOf(notification: Notification): string {
  const { data, datacontenttype, display } = notification;
  const bytes = bytesOf(notification);
  if (display !== undefined) {
    // Node takes it from LANG and the like.
    const { title, body } = textsOf(notification, [Intl.DateTimeFormat().resolvedOptions().locale]);
    return [title, body].filter((part) => part !== '').join(': ');
  }
  if (bytes !== undefined) return `${datacontenttype}, ${bytes.length} bytes`;
  const words = [data.title, data.body].filter((part) => typeof part === 'string').join(': ');
  return words === '' ? JSON.stringify(data) : words;
}

/** Cursors in one file. Each new version replaces it atomically, so it can be read whenever this process dies. */
function fileStorage(file: string): ClientStorage {
  const values = new Map<string, string>(Object.entries(read(file)));
  return {
    get: (key) => values.get(key),
    set: (key, value) => {
      values.set(key, value);
      writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(values)));
      renameSync(`${file}.new`, file);
    },
  };
}

function read(file: string): Record<string, string> {
  if (!existsSync(file)) return {};
  const value = jsonIn(readBytes(file, '--cursors').toString());
  if (!isJsonObject(value)) throw Failure.wrongUsage('--cursors names a file that is none of cursors');
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
