/** Requests to the console as its page makes them, and a start of real processes with a console. */
import { type CarillonProcess, startCarillon, tokenFor } from './carillon.ts';
import { freshRedis, freshVhost } from './servers.ts';

export interface ConsoleAnswer {
  readonly status: number;
  readonly answer: unknown;
}

/** `path`: the part behind `/console/`. With a body, the request is a POST. */
export async function ask(
  origin: string,
  path: string,
  body?: unknown,
  token?: string,
): Promise<ConsoleAnswer> {
  const response = await fetch(`${origin}/console/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, answer: await response.json() };
}

export const adminToken = () => tokenFor('operator', { scope: 'admin' });

export const tokenIn = ({ answer }: ConsoleAnswer): string => {
  const token = typeof answer === 'object' && answer !== null && 'token' in answer ? answer.token : undefined;
  if (typeof token !== 'string') throw new Error(`no token in ${JSON.stringify(answer)}`);
  return token;
};

/** Runs on real servers, and without canaries, so that it is ready sooner. */
export async function startReal(environment: Record<string, string>): Promise<CarillonProcess> {
  const [AMQP_URL, REDIS_URL] = await Promise.all([freshVhost(), freshRedis()]);
  return startCarillon({ AMQP_URL, REDIS_URL, CANARY_SECONDS: '0', ...environment });
}
