/** Limits for a WebSocket server in tests without slow clients: those tests never reach them. */
import { PendingTotal } from '../../src/edge/gateway/wire/pending.ts';

export const AMPLE = {
  maxPendingBytes: 1_048_576,
  pending: new PendingTotal({ maxBytes: Number.POSITIVE_INFINITY, onExceeded: () => {} }),
};
