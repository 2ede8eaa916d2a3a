/** The command line against a running Carillon: what it prints, what it does, and what it ends with. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../support/carillon.ts';
import { cli, startCli } from '../../support/cli.ts';
import { connectClient } from '../../support/client.ts';
import { deadLetter, deadLetterOf } from '../../support/dead-letters.ts';
import { madeEvent } from '../../support/producer.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';
import { temporaryFile } from '../../support/temporary-file.ts';
import { until } from '../../support/until.ts';

let amqpUrl: string;
let carillon: CarillonProcess;
let env: Record<string, string>;
let folder: string;

beforeAll(async () => {
  const [amqp, redis] = await Promise.all([freshVhost(), freshRedis()]);
  amqpUrl = amqp;
  const ROUTES_FILE = temporaryFile(
    'routes.yaml',
    'routes: [{ type: told.*, display: { title: { en: "It is {data.name}", zh: "这是 {data.name}" } } }]',
  );
  carillon = await startCarillon({ AMQP_URL: amqp, REDIS_URL: redis, JWT_SECRET, ROUTES_FILE });
  env = { CARILLON_URL: carillon.url, CARILLON_OPS_URL: carillon.opsUrl, JWT_SECRET };
  folder = await mkdtemp(join(tmpdir(), 'carillon-cli-'));
});
afterAll(async () => {
  await carillon.stop();
  await rm(folder, { recursive: true });
});

const ESCAPE = String.fromCharCode(27);

describe('send and watch', () => {
  test('what is sent over HTTP, over AMQP and from a file arrives, in order, as people and programs read it', async () => {
    const args = ['watch', 'user:42', '--count', '3'];
    const [people, programs] = await Promise.all([startCli(args, env), startCli([...args, '--json'], env)]);
    await until('both to be connected', 20_000, () =>
      [people, programs].every((one) => one.errors().includes('connected as 42')),
    );
    const first = await cli(['send', '-a', 'user:42', '--title', `Hi${ESCAPE}[31m`, '--id', 'one'], env);
    expect(first).toEqual({ exitCode: 0, out: 'confirmed one from /carillon/cli\n', err: '' });
    const amqp = ['send', '-t', 'a.b', '-a', 'user:42', '--data', '{"n":2}', '--url', amqpUrl, '--json'];
    expect(JSON.parse((await cli(amqp, {})).out)).toEqual({
      id: expect.any(String),
      source: '/carillon/cli',
    });
    const whole = JSON.stringify(
      madeEvent('three', { audience: 'user:42', data: { title: 'T', body: 'B' } }),
    );
    expect((await cli(['send', '--event', '-'], env, whole)).exitCode).toBe(0);
    const [told, json] = await Promise.all([people.ended, programs.ended]);
    expect([told.exitCode, json.exitCode]).toEqual([0, 0]);
    const lines = told.out.trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'user:42 1  carillon.cli.sent  Hi\\u001b[31m',
      'user:42 2  a.b  {"n":2}',
      'user:42 3  test.made  T: B',
    ]);
    const notifications = json.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(notifications.map(({ id, offset }) => [id, offset])).toEqual([
      ['one', 1],
      [expect.any(String), 2],
      ['three', 3],
    ]);
  });

  test('the bytes of a file arrive', async () => {
    const [people, programs] = await Promise.all([
      startCli(['watch', 'user:f', '--count', '1'], env),
      startCli(['watch', 'user:f', '--count', '1', '--json'], env),
    ]);
    await until('both to be connected', 20_000, () =>
      [people, programs].every((one) => one.errors().includes('connected as f')),
    );
    const file = join(folder, 'scan.png');
    await writeFile(file, Buffer.from([0x89, 0x50, 0, 0xff]));
    const send = ['send', '-a', 'user:f', '--file', file, '--content-type', 'image/png'];
    expect((await cli(send, env)).exitCode).toBe(0);
    expect((await people.ended).out).toMatch(/user:f 1 {2}carillon\.cli\.sent {2}image\/png, 4 bytes\n$/);
    expect(JSON.parse((await programs.ended).out)).toMatchObject({
      datacontenttype: 'image/png',
      data_base64: 'iVAA/w==',
    });
    expect(await cli([...send, '--title', 'Both'], env)).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('data_base64'),
    });
  });

  test('a watch with cursors goes on where it ended', async () => {
    const cursors = join(folder, 'cursors.json');
    const watch = (count: string) =>
      startCli(['watch', 'user:c', '--cursors', cursors, '--count', count], env);
    const first = await watch('1');
    await until('it to be connected', 20_000, () => first.errors().includes('connected'));
    for (const title of ['a', 'b', 'c']) {
      await cli(['send', '-a', 'user:c', '--title', title], env);
      if (title === 'a') expect((await first.ended).exitCode).toBe(0);
    }
    expect(await readFile(cursors, 'utf8')).toContain('user:c');
    const second = await (await watch('2')).ended;
    expect(second.out.match(/user:c \d .*/g)).toEqual([
      'user:c 2  carillon.cli.sent  b',
      'user:c 3  carillon.cli.sent  c',
    ]);
  });

  test('a topic and a department are watched too, and only what is asked for', async () => {
    const watching = await startCli(['watch', 'topic:t.1', 'department:x', '--json'], env);
    await until('it to be connected', 20_000, () => watching.errors().includes('connected'));
    const send = (audience: string, title: string) => cli(['send', '-a', audience, '--title', title], env);
    await send('global', 'not asked for');
    await until('the topic', 20_000, async () => {
      await send('topic:t.1', 'of the topic');
      return watching.lines().length > 0;
    });
    await send('department:x', 'of the department');
    await until('both', 20_000, () => watching.lines().some((line) => line.includes('of the department')));
    watching.signal('SIGINT');
    const { exitCode, out } = await watching.ended;
    expect(exitCode).toBe(0);
    expect(out).not.toContain('not asked for');
  });
});

describe('dead-letters', () => {
  test('are listed, shown, foretold, redriven and discarded', async () => {
    // One that begins with a dash, as one id in 64 does.
    const deadLetters = [
      {
        ...deadLetterOf(madeEvent('a', { audience: 'user:dl' }), 'no_audience'),
        messageId: `-${'a'.repeat(42)}`,
      },
      deadLetterOf(madeEvent('b', { audience: 'user:dl' }), 'no_audience'),
      deadLetterOf(madeEvent('c'), 'no_audience'),
    ];
    await deadLetter(amqpUrl, deadLetters);
    const [a, , c] = deadLetters.map(({ messageId }) => messageId ?? '');
    const listed = await cli(['dead-letters', 'list', '--reason', 'no_audience', '--after', '9999d'], env);
    expect(listed.out.trimEnd().split('\n')).toHaveLength(3);
    expect(listed).toMatchObject({ exitCode: 0, err: '3 of 3 that fit\n' });
    const json = await cli(['dead-letters', 'list', '--json', '--limit', '1'], env);
    expect(JSON.parse(json.out)).toMatchObject({ matched: 3, deadLetters: [{ id: a, event: 'a' }] });
    const shown = await cli(['dead-letters', 'show', a ?? ''], env);
    expect(shown).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/reason +no_audience[\s\S]*"id": "a"/),
    });
    const dry = await cli(['dead-letters', 'redrive', '--all', '--dry-run'], env);
    expect(dry.out).toMatch(
      /3 fit, 2 would be sent again[\s\S]*user:dl +2[\s\S]*1 would be refused again: no_audience/,
    );
    const client = connectClient(carillon.url, await tokenFor('dl'));
    await client.session();
    const one = await cli(['dead-letters', 'redrive', a ?? '', '--json'], env);
    expect(JSON.parse(one.out)).toMatchObject({ dryRun: false, redriven: 1 });
    const rest = await cli(['dead-letters', 'redrive', '--type', 'test.*'], env);
    expect(rest).toMatchObject({ exitCode: 0, out: 'redriven 1\n1 would be refused again: no_audience\n' });
    expect((await client.received(2)).map(({ id }) => id)).toEqual(['a', 'b']);
    client.close();
    expect(await cli(['dead-letters', 'discard', c ?? ''], env)).toMatchObject({
      exitCode: 0,
      out: 'discarded 1\n',
    });
    const gone = await cli(['dead-letters', 'discard', c ?? '', '--json'], env);
    expect([gone.exitCode, JSON.parse(gone.err).error.code]).toEqual([1, 'not_found']);
  });
});

describe('explain', () => {
  test('prints a story with its verdict, and everything as JSON', async () => {
    await cli(['send', '-a', 'user:e', '--id', 'told', '--title', 'T'], env);
    const explain = async (...more: string[]) => cli(['explain', 'told', 'e', ...more], env);
    await until('it to be kept', 20_000, async () => (await explain()).out.includes('(kept)'));
    // Outcomes follows a moment after the log.
    await expect.poll(async () => (await explain()).out).toMatch(/ {2}\d{4}-\S+ +received: /);
    expect(JSON.parse((await explain('--json')).out)).toMatchObject({ verdict: 'kept', user: 'e' });
    expect((await explain()).out).toMatch(/ shown: "T", from data\.title\n/);
  });

  test('shows the title in the language that is asked for, else in that of the terminal', async () => {
    const data = { title: 'not shown', name: 'N' };
    await cli(
      ['send', '-a', 'user:e', '--id', 'titled', '--type', 'told.named', '--data', JSON.stringify(data)],
      env,
    );
    const shown = async (...more: string[]) =>
      / shown: (.*)\n/.exec((await cli(['explain', 'titled', 'e', ...more], env)).out)?.[1];
    await until('it to be shown', 20_000, async () => (await shown())?.includes('told.*') === true);
    expect(await shown('--language', 'fr, zh-Hant')).toBe('"这是 N" (zh), by the route told.*');
    expect(await shown('--language', 'en')).toBe('"It is N" (en), by the route told.*');
    const wrong = await cli(['explain', 'titled', 'e', '--language', 'en;q=1\r\nX: y'], env);
    expect([wrong.exitCode, wrong.err]).toEqual([2, expect.stringContaining('language tags')]);
  });
});

describe('token', () => {
  test('is one that the service takes, with what was asked for', async () => {
    const { out } = await cli(['token', 'svc', '--scope', 'events:write', '--audience', 'user:a*'], env);
    const CARILLON_TOKEN = out.trimEnd();
    const withToken = { CARILLON_URL: carillon.url, CARILLON_TOKEN };
    expect((await cli(['send', '-a', 'user:ada'], withToken)).exitCode).toBe(0);
    const refused = await cli(['send', '-a', 'user:bob', '--json'], withToken);
    expect([refused.exitCode, JSON.parse(refused.err).error.code]).toEqual([1, 'forbidden']);
    expect(refused.err).not.toContain(CARILLON_TOKEN);
  });
});

describe('a token that is made for a command', () => {
  test.for<[string, string[], string]>([
    ['explain', ['e1', 'ada'], 'admin:read'],
    ['queues', [], 'admin:read'],
    ['dead-letters', ['list'], 'admin:read'],
    ['dead-letters', ['redrive', '--all', '--dry-run'], 'admin:dead-letters'],
    ['dead-letters', ['discard', 'a'.repeat(43)], 'admin:dead-letters'],
  ])('%s %j has the scope %s alone', async ([command, args, scope]) => {
    const scopes: unknown[] = [];
    const server = createServer(({ headers }, response) => {
      scopes.push(decodeJwt((headers.authorization ?? '').slice('Bearer '.length)).scope);
      response.end('{}');
    });
    onTestFinished(() => void server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : '';
    await cli([command, ...args], { JWT_SECRET, CARILLON_OPS_URL: `http://127.0.0.1:${port}` });
    expect(scopes).toEqual([scope]);
  });
});

describe('ends with', () => {
  test.for<[string, string[], Record<string, string>, number, string]>([
    ['a command that is none', ['dance'], {}, 2, 'unknown command'],
    ['no command', [], {}, 2, 'Usage: carillon'],
    ['an option that is none', ['send', '--loud'], {}, 2, 'unknown option'],
    ['data that is none', ['send', '--data', '[1]'], {}, 2, '--data must be a JSON object'],
    ['an audience that is none', ['send', '-a', 'user:a}b'], {}, 2, 'invalid_audience'],
    ['a URL that is none', ['send', '--url', 'ftp://user:hidden@x'], {}, 2, 'wrong_usage'],
    ['two users at once', ['watch', 'user:1', 'user:2'], {}, 2, 'one user'],
    ['a redrive of nothing in particular', ['dead-letters', 'redrive'], {}, 2, 'or --all'],
    ['a duration that is none', ['token', 'a', '--expires', 'soon'], {}, 2, '30m'],
    ['a user that is none', ['token', 'a}b'], { JWT_SECRET }, 2, 'claim sub'],
    ['nothing to sign with', ['token', 'a'], { JWKS_URL: 'http://x' }, 1, 'no_secret'],
    ['nobody there', ['dead-letters', 'list'], { CARILLON_OPS_URL: 'http://127.0.0.1:9' }, 1, 'unreachable'],
    ['no RabbitMQ', ['send', '--url', 'amqp://u:hidden@127.0.0.1:9'], {}, 1, 'broker_unavailable'],
  ])('%s', async ([, args, environment, exitCode, told]) => {
    const ran = await cli(args, environment);
    expect({ ...ran, out: '' }).toEqual({ exitCode, out: '', err: expect.stringContaining(told) });
    expect(`${ran.out}${ran.err}`).not.toContain('hidden');
    expect(`${ran.out}${ran.err}`).not.toContain(ESCAPE);
  });

  test('a token that is not taken, or lacks the scope', async () => {
    const bad = { ...env, CARILLON_TOKEN: await tokenFor('nobody') };
    expect(await cli(['dead-letters', 'list'], bad)).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('(forbidden)'),
    });
    const watching = cli(['watch', 'user:42'], { ...env, CARILLON_TOKEN: 'not-a-token' });
    expect(await watching).toMatchObject({ exitCode: 1, err: expect.stringContaining('(unauthorized)') });
    expect(await cli(['watch', 'user:42'], bad)).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('(forbidden)'),
    });
  });

  test.for([
    'send',
    'watch',
    'token',
    'explain',
    'queues',
    'doctor',
    'dead-letters list',
    'dead-letters show',
    'dead-letters redrive',
    'dead-letters discard',
  ])('0 and examples: %s --help', async (command) => {
    const { exitCode, out } = await cli([...command.split(' '), '--help'], {});
    expect(exitCode).toBe(0);
    expect(out).toContain('--json');
    expect(out).toMatch(new RegExp(`Examples?:[\\s\\S]*carillon ${command}`));
  });
});
