/** Counts the TCP connections of a Carillon process, of any kind, by Node's own count. */
import type { CarillonProcess } from './carillon.ts';
import { send } from './requests.ts';

/** The count includes the connection of this request. */
export async function socketsOf({ opsUrl }: Pick<CarillonProcess, 'opsUrl'>): Promise<number> {
  const { body } = await send(`${opsUrl}/metrics`);
  const [, count] = /^nodejs_active_resources\{type="TCPSocketWrap"\} (\d+)/m.exec(body) ?? [];
  if (count === undefined) throw new Error('Node does not count its sockets');
  return Number(count);
}
