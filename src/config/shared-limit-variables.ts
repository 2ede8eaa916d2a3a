/** The variables about limits that count what all processes together see. Each is off by default. */
import { integer } from './kinds.ts';

export const sharedLimitVariables = {
  CONNECTIONS_PER_USER_ALL_NODES: integer(0, 0, 100_000).describe(
    'Most connections of one user to all processes together, counted in Redis; 0: no such limit.',
  ),
  HTTP_EVENTS_PER_SECOND_ALL_NODES: integer(0, 0, 10_000_000).describe(
    'Events that one user may publish to all processes together a second, counted in Redis; 0: no such limit.',
  ),
};

/** They count in Redis, which embedded mode does not have. Its one process has the limits of a process. */
export const SHARED_LIMITS = [
  ['CONNECTIONS_PER_USER_ALL_NODES', 'CONNECTIONS_PER_USER'],
  ['HTTP_EVENTS_PER_SECOND_ALL_NODES', 'HTTP_EVENTS_PER_SECOND'],
] as const;
