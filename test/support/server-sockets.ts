/** How many TCP connections a Carillon holds, of whatever kind, as Node itself counts them. */
import type { CarillonProcess } from './carillon.ts';
import { send } from './requests.ts';

/** The one that asks is counted too. */
export async function socketsOf({ opsUrl }: Pick<CarillonProcess, 'opsUrl'>): Promise<number> {
  const { body } = await send(`${opsUrl}/metrics`);
  const [, count] = /^nodejs_active_resources\{type="TCPSocketWrap"\} (\d+)/m.exec(body) ?? [];
  if (count === undefined) throw new Error('Node does not count its sockets');
  return Number(count);
}
