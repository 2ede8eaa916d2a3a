/**
 * How many connections fit into the files that this process may open. A connection beyond the limit cannot even be
 * refused: the system accepts and drops it, on every port, including that of health checks.
 */
import { readFileSync } from 'node:fs';

/** Files for pipes, RabbitMQ, Redis, keys, and connections that are just being refused. */
const OTHER_FILES = 136;
/** Connections reserved for the operators' port. */
const OPS_CONNECTIONS = 64;

export interface Capacity {
  /** Connections on the public port. */
  readonly connections: number;
  /** Connections on the operators' port. */
  readonly opsConnections: number;
  /** The limit on open files, if it allows fewer connections than configured. */
  readonly limitedBy: number | undefined;
}

export function capacityFor(wanted: number, limit: number): Capacity {
  // Even a process that may open very few files must answer its operator.
  const opsConnections = Math.min(OPS_CONNECTIONS, Math.max(4, Math.floor(limit / 6)));
  const room = Math.max(1, limit - opsConnections - Math.min(OTHER_FILES, Math.floor(limit / 3)));
  if (wanted <= room) return { connections: wanted, opsConnections, limitedBy: undefined };
  return { connections: room, opsConnections, limitedBy: limit };
}

/** Infinity if the system does not report it. */
export function openFilesLimit(): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    // If the file cannot be read for any reason, the limit is unknown.
    return Number.POSITIVE_INFINITY;
  }
}
