/**
 * How many connections fit into the files that this process may open. One that is beyond the limit cannot even be
 * refused: the system takes it and drops it without a word, on every port, health's too.
 */
import { readFileSync } from 'node:fs';

/** Pipes, RabbitMQ, Redis, keys, and connections that are just being refused. */
const OTHER_FILES = 136;
/** Of the port of operators; nobody else may take them. */
const OPS_CONNECTIONS = 64;

export interface Capacity {
  /** Of the public port. */
  readonly connections: number;
  /** Of the port of operators. */
  readonly opsConnections: number;
  /** The limit, when it leaves less room than was asked for. */
  readonly limitedBy: number | undefined;
}

export function capacityFor(wanted: number, limit: number): Capacity {
  // A process that may open hardly any files must at least answer to its operator.
  const opsConnections = Math.min(OPS_CONNECTIONS, Math.max(4, Math.floor(limit / 6)));
  const room = Math.max(1, limit - opsConnections - Math.min(OTHER_FILES, Math.floor(limit / 3)));
  if (wanted <= room) return { connections: wanted, opsConnections, limitedBy: undefined };
  return { connections: room, opsConnections, limitedBy: limit };
}

/** Infinity where the system does not tell. */
export function openFilesLimit(): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    // Whatever keeps the file from being read, there is no limit to be known.
    return Number.POSITIVE_INFINITY;
  }
}
