/** Two Carillons with a database each in one Redis, whose Pub/Sub knows of no databases: neither hears the other. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../support/carillon.ts';
import { connectClient, type TestClient } from '../support/client.ts';
import { madeEvent, Producer } from '../support/producer.ts';
import { freshRedis, freshVhost } from '../support/servers.ts';

interface Tower {
  readonly carillon: CarillonProcess;
  readonly producer: Producer;
  readonly ada: TestClient;
}

let towers: readonly Tower[];

beforeAll(async () => {
  towers = await Promise.all([startTower(), startTower()]);
});
afterAll(async () => {
  for (const { carillon, producer, ada } of towers) {
    ada.close();
    await producer.close();
    await carillon.stop();
  }
});

async function startTower(): Promise<Tower> {
  const [AMQP_URL, REDIS_URL] = await Promise.all([freshVhost(), freshRedis()]);
  const carillon = await startCarillon({ AMQP_URL, REDIS_URL, JWT_SECRET });
  const ada = connectClient(carillon.url, await tokenFor('ada', { departments: ['sales'] }));
  await ada.session();
  return { carillon, producer: new Producer(AMQP_URL), ada };
}

test.for([
  ['user:ada', 'the same user'],
  ['department:sales', 'a department'],
  ['global', 'everybody'],
])('%s: each gets what is theirs, and nothing of the other', async ([audience = '']) => {
  const before = towers.map(({ ada }) => ada.notifications.length);
  for (const [at, { producer, ada }] of towers.entries()) {
    await producer.publish(madeEvent(`${audience}-${at}`, { audience }));
    await ada.received((before[at] ?? 0) + 1);
  }
  for (const [at, { ada }] of towers.entries()) {
    const got = ada.notifications.slice(before[at]);
    expect(got.map(({ id, offset }) => [id, offset])).toEqual([[`${audience}-${at}`, 1]]);
  }
});
