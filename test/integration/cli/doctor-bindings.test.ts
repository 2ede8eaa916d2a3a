/** The doctor on what other services' exchanges send to Carillon, with the commands that it tells. */
import { execFileSync } from 'node:child_process';
import { connect } from 'amqplib';
import { beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { JWT_SECRET, startCarillon } from '../../support/carillon.ts';
import { doctor } from '../../support/doctor.ts';
import { freshRedis, freshVhost } from '../../support/servers.ts';
import { temporaryFile } from '../../support/temporary-file.ts';

let redisUrl: string;
beforeAll(async () => {
  redisUrl = await freshRedis();
});

const sourcesFile = (sources: readonly unknown[]) =>
  temporaryFile('sources.yaml', JSON.stringify({ sources }));

async function vhostWith(exchanges: Readonly<Record<string, string>>): Promise<string> {
  const amqpUrl = await freshVhost();
  const model = await connect(amqpUrl);
  const channel = await model.createChannel();
  for (const [name, type] of Object.entries(exchanges)) await channel.assertExchange(name, type);
  await model.close();
  return amqpUrl;
}

function environment(amqpUrl: string, more: Readonly<Record<string, string>>) {
  const { managementUrl } = inject('rabbitMq');
  return {
    AMQP_URL: amqpUrl,
    REDIS_URL: redisUrl,
    JWT_SECRET,
    CARILLON_MANAGEMENT_URL: managementUrl,
    ...more,
  };
}

async function bindingsFound(env: Readonly<Record<string, string>>) {
  const { findings } = await doctor(env);
  return findings.filter(({ check }) => check.startsWith('rabbitmq bindings'));
}

/** What a shell makes of the command: its words. */
function wordsOf(command: string): readonly string[] {
  const script = `curl() { printf '%s\\n' "$@"; }\n${command}`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n');
}

/** Runs the command that a finding tells. */
async function follow(change: string | undefined): Promise<void> {
  const [option, user, method, verb, url = ''] = wordsOf(change?.split('remove it: ')[1] ?? '');
  expect([option, user, method, verb]).toEqual(['-u', 'guest', '-X', 'DELETE']);
  const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
  const { status } = await fetch(url, { method: verb ?? '', headers: { authorization } });
  expect(status).toBe(204);
}

const HOSTILE = "it's; $(touch x)/ä%27";

test.for([
  { what: 'the one queue', more: {}, target: 'carillon.deliver' },
  { what: 'partitions', more: { PARTITIONS: '2' }, target: 'carillon.partitions' },
])(
  'bindings to $what that no source names any more, and the commands that remove them',
  {
    timeout: 120_000,
  },
  async ({ more, target }) => {
    const amqpUrl = await vhostWith({ shop: 'topic', [HOSTILE]: 'topic' });
    const before = sourcesFile([{ exchange: 'shop', keys: ['order.*', 'a~b', '#'] }, { exchange: HOSTILE }]);
    const carillon = await startCarillon(environment(amqpUrl, { ...more, SOURCES_FILE: before }));
    onTestFinished(async () => void (await carillon.stop()));
    const named = environment(amqpUrl, { ...more, SOURCES_FILE: before });
    const ok = { check: 'rabbitmq bindings', verdict: 'ok' };
    await expect.poll(() => bindingsFound(named), { timeout: 30_000 }).toEqual([expect.objectContaining(ok)]);
    // Otherwise the process binds again what the commands remove.
    await carillon.stop();

    const env = environment(amqpUrl, {
      ...more,
      SOURCES_FILE: sourcesFile([{ exchange: 'shop', keys: ['order.*'] }]),
    });
    const stale = await bindingsFound(env);
    const advice = (exchange: string, key: string) => ({
      check: 'rabbitmq bindings',
      verdict: 'advice',
      found: expect.stringContaining(
        `exchange ${exchange} sends the key "${key}" to ${target}, and no source`,
      ),
      change: expect.stringContaining('remove it: curl '),
    });
    expect(stale).toHaveLength(3);
    expect(stale).toEqual(
      expect.arrayContaining([advice('shop', '#'), advice('shop', 'a~b'), advice(HOSTILE, '#')]),
    );
    for (const { change } of stale) await follow(change);
    expect(await bindingsFound(env)).toEqual([expect.objectContaining(ok)]);
    expect(await bindingsFound(environment(amqpUrl, more))).toEqual([
      expect.objectContaining(advice('shop', 'order.*')),
    ]);
  },
);

test.for([
  { AMQP_DECLARE: 'true', change: 'start a consumer' },
  { AMQP_DECLARE: 'false', change: 'import what carillon topology prints' },
])('bindings that are missing, with AMQP_DECLARE=$AMQP_DECLARE', async ({ AMQP_DECLARE, change }) => {
  const amqpUrl = await vhostWith({ shop: 'topic' });
  const SOURCES_FILE = sourcesFile([{ exchange: 'shop', keys: ['order.*'] }]);
  const carillon = await startCarillon(environment(amqpUrl, {}));
  await carillon.stop();
  const model = await connect(amqpUrl);
  await (await model.createChannel()).unbindQueue('carillon.deliver', 'carillon.events', '#');
  await model.close();
  const found = await bindingsFound(environment(amqpUrl, { SOURCES_FILE, AMQP_DECLARE }));
  // With AMQP_DECLARE the doctor declares what is there, as each process does, and so binds it.
  const exchanges = AMQP_DECLARE === 'true' ? ['shop'] : ['carillon.events', 'shop'];
  expect(found).toMatchObject(
    exchanges.map((exchange) => ({
      verdict: 'wrong',
      found: expect.stringMatching(new RegExp(`^exchange ${exchange} does not send the key `)),
    })),
  );
  for (const one of found) expect(one.change).toContain(change);
});

test('keys that an exchange of its type does not go by', async () => {
  const amqpUrl = await vhostWith({
    plain: 'direct',
    listed: 'direct',
    all: 'fanout',
    some: 'fanout',
    by: 'headers',
    words: 'topic',
  });
  const sources = [
    { exchange: 'plain', keys: ['order.*', 'order.paid'] },
    { exchange: 'plain' },
    { exchange: 'listed', keys: ['order.paid'] },
    { exchange: 'all' },
    { exchange: 'some', keys: ['order.*', 'x'] },
    { exchange: 'by', keys: ['x'] },
    { exchange: 'words', keys: ['order.*', '#'] },
    { exchange: 'nowhere', keys: ['*'] },
  ];
  const found = await bindingsFound(environment(amqpUrl, { SOURCES_FILE: sourcesFile(sources) }));
  expect(found.map(({ check, verdict, found: text }) => `${verdict} ${check.slice(18)}: ${text}`)).toEqual([
    'wrong exchange plain: it is a direct exchange, which knows no patterns: "order.*" takes no message',
    'wrong exchange plain: it is a direct exchange, which knows no patterns: "#" takes no message',
    'advice exchange some: it is a fanout exchange, which sends all messages whatever their keys: those that "order.*", "x" do not fit become dead letters',
    'advice exchange by: it is a headers exchange, which sends all messages whatever their keys: those that "x" do not fit become dead letters',
  ]);
});

test('without the management API it is told once that it cannot be asked', async () => {
  const amqpUrl = await vhostWith({ plain: 'direct' });
  const env = environment(amqpUrl, {
    CARILLON_MANAGEMENT_URL: 'http://127.0.0.1:9',
    SOURCES_FILE: sourcesFile([{ exchange: 'plain' }]),
  });
  const { findings } = await doctor(env);
  expect(findings.filter(({ found }) => found.includes('management API'))).toHaveLength(1);
  expect(await bindingsFound(env)).toEqual([]);
});
