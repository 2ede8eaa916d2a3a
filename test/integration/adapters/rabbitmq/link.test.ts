/** A link to RabbitMQ is set up again after each loss, at whichever moment the connection dies. */
import type { ChannelModel } from 'amqplib';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Link } from '../../../../src/adapters/rabbitmq/link.ts';
import { amqpAddressOf } from '../../../../src/config/amqp-address.ts';
import { freshVhost } from '../../../support/servers.ts';
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';

const TIMEOUT_MS = 30_000;

let proxy: TcpProxy;
let url: string;
let link: Link;

beforeEach(async () => {
  const direct = new URL(await freshVhost());
  proxy = await startTcpProxy(Number(direct.port));
  direct.port = String(proxy.port);
  url = direct.href;
  link = new Link('test', pino({ level: 'silent' }), () => {});
});
afterEach(async () => {
  await link.close();
  await proxy.close();
});

/** Runs `first` on the first connection, and nothing on the others. */
async function openWith(first: (model: ChannelModel) => Promise<void>): Promise<void> {
  let connections = 0;
  await link.open(amqpAddressOf(url), async (model) => {
    connections += 1;
    if (connections === 1) await first(model);
  });
  await until('the next connection', TIMEOUT_MS, () => link.state === 'up');
  expect(connections).toBe(2);
}

function dieSoon(): void {
  proxy.blackHole('toServer');
  setImmediate(() => {
    proxy.cut();
    proxy.heal();
  });
}

test('while a channel closes', async () => {
  await openWith(async (model) => {
    const channel = await model.createChannel();
    dieSoon();
    await channel.close();
  });
});

test('while something else than RabbitMQ is awaited', async () => {
  await openWith(async () => {
    dieSoon();
    await new Promise(() => {});
  });
});

test('while the connection itself closes, because the setup failed', async () => {
  await openWith(async () => {
    dieSoon();
    throw new Error('the setup failed');
  });
});
