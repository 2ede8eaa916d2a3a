/**
 * Somebody deletes Carillon's queues, exchanges and bindings while events flow: each is declared again, and what
 * RabbitMQ still has arrives, once and in order.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flawless } from '../support/checker.ts';
import { takeDeadLetters } from '../support/dead-letters.ts';
import type { Management } from '../support/management.ts';
import { Producer } from '../support/producer.ts';
import { vhostOf } from '../support/rabbitmq.ts';
import { freshVhost, sharedManagement } from '../support/servers.ts';
import { until } from '../support/until.ts';
import { type FaultStack, startFaultStack } from './fault-stack.ts';
import { expectWhole, Trial } from './trial.ts';

/** More than a consumer may have in hand: if they cannot be kept, good events wait behind them. */
const POISON = 300;

let stack: FaultStack;
let producer: Producer;
let management: Management;
let vhost: string;

beforeAll(async () => {
  stack = await startFaultStack(await freshVhost());
  producer = new Producer(stack.amqpUrl);
  management = sharedManagement();
  vhost = encodeURIComponent(vhostOf(stack.amqpUrl));
});
afterAll(async () => {
  await producer.close();
  await stack.stop();
});

async function isThere(path: string): Promise<boolean> {
  return management.get(path).then(
    () => true,
    () => false,
  );
}

const bindingOf = (exchange: string, queue: string) => `bindings/${vhost}/e/${exchange}/q/${queue}/%23`;

const deletions: readonly (readonly [string, () => string])[] = [
  ['queue carillon.deliver', () => `queues/${vhost}/carillon.deliver`],
  ['queue carillon.unreached', () => `queues/${vhost}/carillon.unreached`],
  ['queue carillon.unreached.delay', () => `queues/${vhost}/carillon.unreached.delay`],
  ['exchange carillon.events', () => `exchanges/${vhost}/carillon.events`],
  ['exchange carillon.dead', () => `exchanges/${vhost}/carillon.dead`],
  ['exchange carillon.signals', () => `exchanges/${vhost}/carillon.signals`],
  ['exchange carillon.unreached', () => `exchanges/${vhost}/carillon.unreached`],
  ['binding of carillon.deliver', () => bindingOf('carillon.events', 'carillon.deliver')],
];

test.for(deletions)('%s is deleted', { timeout: 120_000 }, async ([what, path]) => {
  const fault = async (trial: Trial) => {
    await trial.whenAllArrived(() => management.delete(path()));
    await until(`${what} to be there again`, 60_000, () => isThere(path()));
    await trial.flows(50);
  };
  const report = await Trial.run(`${what} deleted`, stack, fault, { isOneByOne: true });
  expectWhole(report);
});

test.for([
  ['queue', () => `queues/${vhost}/carillon.dead`],
  ['exchange', () => `exchanges/${vhost}/carillon.dead`],
  ['binding', () => bindingOf('carillon.dead', 'carillon.dead')],
] as const)(
  'the %s carillon.dead is deleted while there are dead letters',
  {
    timeout: 120_000,
  },
  async ([what, path]) => {
    await management.delete(`queues/${vhost}/carillon.dead/contents`).catch(() => {});
    // What was on its way when the link was lost is made a dead letter once more, so that some may be there twice.
    const keys = new Set<string>();
    const report = await Trial.run(`${what} carillon.dead deleted among poison`, stack, async (trial) => {
      await management.delete(path());
      for (let i = 0; i < POISON; i += 1) await producer.publishRaw(Buffer.from('?'), {}, `${what}.${i}`);
      await trial.flows(50);
      await until('all dead letters', 60_000, async () => {
        // The queue need not be there again yet.
        const deadLetters = await takeDeadLetters(stack.amqpUrl).catch(() => []);
        for (const { fields } of deadLetters)
          if (fields.routingKey.startsWith(what)) keys.add(fields.routingKey);
        return keys.size >= POISON;
      });
    });
    expect(report.verdict).toEqual(flawless(report.expected));
    expect(keys.size).toBe(POISON);
  },
);

test('what was deleted is named in the log of whoever saw it first', async () => {
  const told = () =>
    [...stack.consumers, ...stack.gateways].flatMap(({ output }) =>
      output.filter((line) => /"level":"(warn|error)"/.test(line)),
    );
  const names = deletions.map(([what]) => what).filter((what) => !what.startsWith('binding'));
  const unnamed = () =>
    names.filter((what) => {
      const [kind = '', name = ''] = what.split(' ');
      return !told().some(
        (line) =>
          line.includes(`"${what}"`) ||
          line.includes(`no ${kind} '${name}'`) ||
          line.includes(`${name} was deleted`),
      );
    });
  // What a process logs comes through a pipe, and may be later than what it did.
  const isNamed = (what: string) =>
    until(`${what} to be named`, 10_000, () => !unnamed().includes(what)).then(
      () => true,
      () => false,
    );
  // Whoever is declaring everything at that moment makes it again without having seen it gone. RabbitMQ does not say so.
  for (const [what, path] of deletions.filter(([name]) => names.includes(name))) {
    for (let again = 0; again < 3 && !(await isNamed(what)); again += 1) {
      await management.delete(path());
      await until(`${what} to be there again`, 60_000, () => isThere(path()));
    }
  }
  await expect.poll(unnamed).toEqual([]);
  await expect.poll(told).toContainEqual(expect.stringContaining('bindings in RabbitMQ are declared again'));
});
