/** The signal that a notification has not reached its user. */
import { encodeSignal } from '../contract/signal.ts';
import type { Verdict } from './reach-check.ts';

export const UNREACHED = 'notification.unreached';

/** The same in every process: together with the id it identifies repeats. */
const SOURCE = '/carillon';

export function encodeUnreached({ user, notification }: Extract<Verdict, { kind: 'unreached' }>) {
  const { audience, epoch, offset } = notification;
  const id = `unreached ${audience} ${epoch} ${offset}`;
  return encodeSignal(UNREACHED, { id, source: SOURCE }, { user, audience, epoch, offset, notification });
}
