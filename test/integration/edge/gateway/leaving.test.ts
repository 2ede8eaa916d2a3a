/** Clients that ask for something and leave at once: the process holds nothing of them any more. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CarillonProcess, JWT_SECRET, startCarillon, tokenFor } from '../../../support/carillon.ts';
import { openSession } from '../../../support/raw-socket.ts';
import { scrape, sumOf } from '../../../support/scrape.ts';

const SESSIONS = 100;
const POLL = { timeout: 60_000 };

let carillon: CarillonProcess;
beforeAll(async () => {
  carillon = await startCarillon({ JWT_SECRET });
});
afterAll(() => carillon.stop());

/** Without any there is no such series. */
const timers = async () => sumOf(await scrape(carillon), 'nodejs_active_resources', { type: 'Timeout' }) ?? 0;
const connected = async () => sumOf(await scrape(carillon), 'carillon_connected_sockets');

test('who prolongs a token and leaves in the same moment leaves no timer behind', async () => {
  const before = await timers();
  const token = await tokenFor('ada', {}, 36_000);
  for (let i = 0; i < SESSIONS; i += 1) {
    const socket = await openSession(carillon.url, token);
    // In one segment, and so in one turn of the gateway's event loop.
    socket.send(`421${JSON.stringify(['authenticate', { token }])}`, '41');
    socket.close();
  }
  await expect.poll(connected, POLL).toBe(0);
  // What runs by itself comes and goes by a few; those that were left would be one for each session.
  await expect.poll(timers, POLL).toBeLessThan(before + SESSIONS / 10);
});
