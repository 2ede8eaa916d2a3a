/** What a test without slow clients gives a WebSocket server: limits that nothing of it reaches. */
import { PendingTotal } from '../../src/edge/gateway/wire/pending.ts';

export const AMPLE = {
  maxPendingBytes: 1_048_576,
  pending: new PendingTotal({ maxBytes: Number.POSITIVE_INFINITY, onExceeded: () => {} }),
};
