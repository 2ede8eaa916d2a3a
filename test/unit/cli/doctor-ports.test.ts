/** The doctor on the ports that a process listens on. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { examinePorts } from '../../../src/cli/doctor-ports.ts';
import type { Finding } from '../../../src/cli/finding.ts';
import { readConfig } from '../../../src/config/config.ts';
import { freePort } from '../../support/ports.ts';

const SERVERS = {
  AMQP_URL: 'amqp://127.0.0.1',
  REDIS_URL: 'redis://127.0.0.1',
  JWT_SECRET: 'x'.repeat(32),
  HOST: '127.0.0.1',
};

async function examine(variables: Readonly<Record<string, string>>): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const finding of examinePorts(readConfig({ ...SERVERS, ...variables }))) findings.push(finding);
  return findings;
}

async function listening(answer: unknown): Promise<string> {
  const server = createServer((_, response) => response.end(JSON.stringify(answer)));
  onTestFinished(() => void server.close());
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return String(port);
}

test('free ones, and those that the system chooses', async () => {
  const [port, opsPort] = [String(await freePort()), String(await freePort())];
  expect(await examine({ PORT: port, OPS_PORT: opsPort })).toEqual([
    { check: 'ports PORT', verdict: 'ok', found: `${port} at 127.0.0.1 is free` },
    { check: 'ports OPS_PORT', verdict: 'ok', found: `${opsPort} at 127.0.0.1 is free` },
  ]);
  expect(await examine({ PORT: '0', OPS_PORT: '0' })).toEqual([]);
});

test('one on which another program listens, and one on which Carillon does', async () => {
  const PORT = await listening({ hello: 'world' });
  const OPS_PORT = await listening({ status: 'alive' });
  expect(await examine({ PORT, OPS_PORT })).toEqual([
    {
      check: 'ports PORT',
      verdict: 'wrong',
      found: `another program listens on ${PORT} at 127.0.0.1, and a process does not start`,
      change: expect.stringContaining('set PORT to another port'),
    },
    { check: 'ports OPS_PORT', verdict: 'ok', found: `Carillon answers on ${OPS_PORT} at 127.0.0.1` },
  ]);
  // A consumer alone does not listen there.
  expect(await examine({ PORT, OPS_PORT: '0', ROLES: 'consumer' })).toEqual([]);
});

test('one for both, an address of another machine, a name of none', async () => {
  const PORT = String(await freePort());
  expect(await examine({ PORT, OPS_PORT: PORT })).toMatchObject([
    { check: 'ports', verdict: 'wrong', change: 'set OPS_PORT to another one' },
  ]);
  // TEST-NET-1: nobody's.
  expect(await examine({ PORT: '0', OPS_PORT: PORT, OPS_HOST: '192.0.2.1' })).toMatchObject([
    {
      verdict: 'wrong',
      found: 'this machine has no address 192.0.2.1',
      change: expect.stringContaining('set OPS_HOST'),
    },
  ]);
  expect(await examine({ PORT, OPS_PORT: '0', HOST: 'nowhere.invalid' })).toMatchObject([
    {
      verdict: 'wrong',
      found: 'nobody knows the name nowhere.invalid',
      change: expect.stringContaining('set HOST'),
    },
  ]);
});
