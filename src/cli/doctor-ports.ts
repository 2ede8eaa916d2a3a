/** The doctor's check of PORT, OPS_PORT, HOST and OPS_HOST: whether a process can listen there, or does already. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import type { Finding } from './finding.ts';
import { fetchReasonOf, jsonIn } from './web.ts';

const ANSWER_MS = 2_000;

interface Port {
  readonly name: 'PORT' | 'OPS_PORT';
  readonly hostName: 'HOST' | 'OPS_HOST';
  readonly port: number;
  readonly host: string;
}

export async function* examinePorts(config: Config): AsyncGenerator<Finding> {
  const clients = { name: 'PORT', hostName: 'HOST', port: config.PORT, host: config.HOST } as const;
  const operators = {
    name: 'OPS_PORT',
    hostName: 'OPS_HOST',
    port: config.OPS_PORT,
    host: config.OPS_HOST,
  } as const;
  // A consumer alone has no port for clients.
  const ports = config.ROLES.includes('gateway') ? [clients, operators] : [operators];
  if (ports.length > 1 && clients.port === operators.port && clients.port !== 0) {
    const found = `PORT and OPS_PORT are both ${clients.port}`;
    yield { check: 'ports', verdict: 'wrong', found, change: 'set OPS_PORT to another one' };
    return;
  }
  // The system chooses a free one for 0.
  for (const one of ports) if (one.port !== 0) yield await examine(one);
}

async function examine(place: Port): Promise<Finding> {
  const { name, hostName, port, host } = place;
  const check = `ports ${name}`;
  const code = await listen(place);
  const where = `${port} at ${host}`;
  const correctHost = `set ${hostName} to an address of this machine, or 0.0.0.0 for all of them`;
  switch (code) {
    case undefined:
      return { check, verdict: 'ok', found: `${where} is free` };
    case 'EADDRINUSE': {
      if (await isCarillon(place)) return { check, verdict: 'ok', found: `Carillon answers on ${where}` };
      const found = `another program listens on ${where}, and a process does not start`;
      return {
        check,
        verdict: 'wrong',
        found,
        change: `end that one (ss -ltnp), or set ${name} to another port`,
      };
    }
    case 'EACCES': {
      const change = `set ${name} above 1023, or give the process CAP_NET_BIND_SERVICE`;
      return {
        check,
        verdict: 'wrong',
        found: `the system does not let this user listen on ${where}`,
        change,
      };
    }
    case 'EADDRNOTAVAIL':
      return { check, verdict: 'wrong', found: `this machine has no address ${host}`, change: correctHost };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { check, verdict: 'wrong', found: `nobody knows the name ${host}`, change: correctHost };
    default:
      return { check, verdict: 'unknown', found: `${where} cannot be tried: ${code}` };
  }
}

/** The system's code for why it is not possible; undefined when it is. */
async function listen({ host, port }: Port): Promise<string | undefined> {
  const server = createServer();
  try {
    await once(server.listen({ host, port }), 'listening');
    const closed = once(server, 'close');
    server.close();
    await closed;
    return undefined;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error;
    return String(error.code);
  }
}

const healthSchema = z.looseObject({ status: z.literal('alive') });

async function isCarillon({ host, port }: Port): Promise<boolean> {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  const origin = `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
  try {
    const response = await fetch(`${origin}/health/live`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return healthSchema.safeParse(jsonIn(await response.text())).success;
  } catch (error) {
    fetchReasonOf(error);
    return false;
  }
}
