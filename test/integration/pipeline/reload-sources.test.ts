import { expect, test } from 'vitest';
import { partsOf } from '../../support/carillon.ts';
import { changeFile, said, TAKEN } from '../../support/changed-files.ts';
import { ownInstallation } from '../../support/own-installation.ts';
import { createUser, permit, rightsOf, urlOf } from '../../support/rights.ts';
import { scrape, sumOf } from '../../support/scrape.ts';
import { freshName } from '../../support/servers.ts';
import { temporaryFile } from '../../support/temporary-file.ts';
import { until } from '../../support/until.ts';

const installation = ownInstallation();

/** RabbitMQ returns what no queue takes. */
async function isBound(exchange: string, key: string): Promise<boolean> {
  const channel = await installation.servers.model.createConfirmChannel();
  const bound = await new Promise<boolean>((resolve) => {
    channel.once('return', () => resolve(false));
    channel.publish(exchange, key, Buffer.alloc(0), { mandatory: true }, () => resolve(true));
  });
  await channel.close();
  return bound;
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

test('an exchange that is new is bound only when the consumer that has the queue knows it', async () => {
  await installation.servers.theirs.assertExchange('fresh.events', 'fanout');
  const [none, one] = [
    'sources: []',
    'sources: [{ exchange: fresh.events, event: { audience: "user:{body.to}" } }]',
  ];
  const files = { active: temporaryFile('sources.yaml', none), standby: temporaryFile('sources.yaml', none) };
  // Its own canaries show it that it has the queue.
  const active = await installation.start({ SOURCES_FILE: files.active });
  const standby = await installation.start({ SOURCES_FILE: files.standby, ROLES: 'consumer' });
  const hal = await installation.clientOf(active, 'hal');
  await changeFile(files.standby, one, [standby]);
  await until('it to wait', 20_000, async () =>
    /other consumers are given time/.test((await partsOf(standby)).sources?.reason ?? ''),
  );
  expect(await isBound('fresh.events', '')).toBe(false);
  await changeFile(files.active, one, [active]);
  const connected = '"source":"exchange fresh.events","msg":"source connected"';
  await until('the source', 20_000, () => said(active, connected) > 0);
  installation.servers.theirs.publish('fresh.events', '', json({ to: 'hal' }));
  expect(await hal.received(1)).toMatchObject([{ data: { to: 'hal' } }]);
});

test('a source whose exchange does not exist changes nothing until it does', async () => {
  await installation.servers.theirs.assertExchange('there.events', 'fanout');
  const one = (exchange: string, mark: string) =>
    `  - { exchange: ${exchange}, event: { audience: "user:{body.to}", data: { mark: ${mark} } } }\n`;
  const SOURCES_FILE = temporaryFile('sources.yaml', `sources:\n${one('there.events', 'old')}`);
  const carillon = await installation.start({ SOURCES_FILE });
  const gil = await installation.clientOf(carillon, 'gil');
  const wanted = `sources:\n${one('there.events', 'new')}${one('absent.events', 'new')}`;
  await changeFile(SOURCES_FILE, wanted, [carillon], 'config_not_reloaded');
  const refusal = carillon.output.find((line) => line.includes('config_not_reloaded')) ?? '';
  expect(JSON.parse(refusal)).toMatchObject({
    result: 'refused',
    faults: ['exchange absent.events: it does not exist'],
  });
  expect((await partsOf(carillon)).sources_file).toEqual({
    ok: true,
    reason: expect.stringContaining('exchange absent.events: it does not exist'),
  });
  installation.servers.theirs.publish('there.events', '', json({ to: 'gil' }));
  expect((await gil.received(1))[0]?.data).toEqual({ mark: 'old' });
  expect(sumOf(await scrape(carillon), 'carillon_config_newest', { file: 'sources_file' })).toBe(0);
  await installation.servers.theirs.assertExchange('absent.events', 'fanout');
  await until('the file to be used by itself', 20_000, () => said(carillon, TAKEN) > 0);
  await until(
    'the source',
    20_000,
    () => said(carillon, '"source":"exchange absent.events","msg":"source connected"') > 0,
  );
  installation.servers.theirs.publish('absent.events', '', json({ to: 'gil' }));
  expect((await gil.received(2))[1]?.data).toEqual({ mark: 'new' });
  expect((await partsOf(carillon)).sources_file).toEqual({ ok: true });
});

test('a source that the user has no right to changes nothing, and asking leaves nothing behind', async () => {
  const user = freshName('reader');
  const vhost = new URL(installation.servers.amqpUrl).pathname.slice(1);
  const [configure = '', write = '', read = ''] = rightsOf('carillon');
  await createUser(user);
  await permit(user, [configure, write, `${read}|^allowed`], vhost);
  await installation.servers.theirs.assertExchange('allowed.events', 'fanout');
  await installation.servers.theirs.assertExchange('secret.events', 'fanout');
  const SOURCES_FILE = temporaryFile('sources.yaml', 'sources: [{ exchange: allowed.events }]');
  const carillon = await installation.start({ AMQP_URL: urlOf(user, 'secret', vhost), SOURCES_FILE });
  const wanted = 'sources: [{ exchange: allowed.events }, { exchange: secret.events, keys: [a] }]';
  await changeFile(SOURCES_FILE, wanted, [carillon], 'config_not_reloaded');
  expect((await partsOf(carillon)).sources_file?.reason).toMatch(/exchange secret\.events: .*secret\.events/);
  expect(await isBound('secret.events', 'a')).toBe(false);
  await changeFile(SOURCES_FILE, 'sources: [{ exchange: allowed.events, keys: ["#", b] }]', [carillon]);
});
