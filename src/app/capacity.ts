/** How many connections this process has room for, some of which are reserved for operators. */
import type { Server } from 'node:http';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { ClientAddresses } from '../edge/connections/client-addresses.ts';
import { type Capacity, capacityFor, openFilesLimit } from '../edge/connections/descriptors.ts';
import { HttpConnections } from '../edge/connections/http-connections.ts';
import { ConnectionLimits } from '../edge/gateway/connection-limits.ts';

export function openCapacity(config: Config, log: Logger): Capacity {
  const wanted = config.ROLES.includes('gateway') ? config.CONNECTIONS_PER_NODE : 0;
  const capacity = capacityFor(wanted, openFilesLimit());
  const { connections, limitedBy } = capacity;
  if (limitedBy !== undefined) {
    log.warn(
      { openFiles: limitedBy, CONNECTIONS_PER_NODE: wanted, connections },
      'this process may open fewer files than CONNECTIONS_PER_NODE needs: more connections are refused',
    );
  }
  return capacity;
}

/** Keeps health and metrics reachable whoever holds connections here: no single address may take all of them. */
export function guardOpsPort(
  server: Server,
  addresses: ClientAddresses,
  { opsConnections }: Capacity,
  log: Logger,
): void {
  const perAddress = Math.ceil(opsConnections / 2);
  const counts = new ConnectionLimits({ perNode: opsConnections, perAddress, perUser: 0 });
  new HttpConnections({ addresses, counts, log, onRefused: () => {} }).guard(server);
}
