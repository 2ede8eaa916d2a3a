/** In which order exchanges and queues are declared: RabbitMQ drops what comes to an exchange that leads nowhere. */
import { type ChannelModel, connect } from 'amqplib';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Asking } from '../../../../src/adapters/rabbitmq/asking.ts';
import { declareOneQueue, declarePartitions } from '../../../../src/adapters/rabbitmq/delivery-layout.ts';
import { ONE_QUEUE, type Partitioning } from '../../../../src/adapters/rabbitmq/names.ts';
import { Topology } from '../../../../src/adapters/rabbitmq/topology.ts';
import { freshVhost } from '../../../support/servers.ts';

const PARTITIONS: Partitioning = { count: 2, by: 'key' };

/** What is asked of RabbitMQ on this connection from now on: the method, and the names that it gets. */
async function watch(model: ChannelModel): Promise<() => readonly string[]> {
  const channel = await model.createChannel();
  vi.spyOn(model, 'createChannel').mockResolvedValue(channel);
  const spies = [
    vi.spyOn(channel, 'assertExchange'),
    vi.spyOn(channel, 'assertQueue'),
    vi.spyOn(channel, 'bindQueue'),
    vi.spyOn(channel, 'bindExchange'),
  ];
  return () =>
    spies
      .flatMap((spy) =>
        spy.mock.calls.map((given, i) => ({
          order: spy.mock.invocationCallOrder[i] ?? 0,
          step: [spy.getMockName(), ...given.filter((value) => typeof value === 'string')].join(' '),
        })),
      )
      .toSorted((one, other) => one.order - other.order)
      .map(({ step }) => step);
}

test.for([
  ['one queue', ONE_QUEUE, 'bindQueue carillon.deliver carillon.events #'],
  ['partitions', PARTITIONS, 'bindExchange carillon.partitions carillon.events #'],
] as const)(
  '%s: the exchange for events is declared when it can be bound at once',
  async ([, partitioning, binding]) => {
    const model = await connect(await freshVhost());
    onTestFinished(() => model.close());
    const topology = new Topology(partitioning);
    await topology.declare(model);
    const asking = new Asking(model);
    if (partitioning.count === 1) await declareOneQueue(asking);
    else await declarePartitions(model, asking, partitioning);
    await asking.ask((channel) => channel.deleteExchange('carillon.events'));
    const steps = await watch(model);
    await topology.declare(model);
    const declared = steps();
    const at = declared.indexOf('assertExchange carillon.events topic');
    expect(declared.slice(at, at + 2)).toEqual(['assertExchange carillon.events topic', binding]);
    expect(declared.slice(at).filter((step) => step.startsWith('assertQueue'))).toEqual([]);
    // It was there: the test would see nothing if RabbitMQ had refused one of these.
    await asking.ask((channel) => channel.checkExchange('carillon.events'));
  },
);
