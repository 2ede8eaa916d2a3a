/**
 * Sends a node's sessions away gradually when it shuts down, so that the other nodes do not get all of them at once.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { jittered } from '../../resilience/jitter.ts';
import type { Session } from './session.ts';

const TICK_MS = 50;

/** Resolves when all have been sent away: after `drainMs`, or sooner if there are fewer sessions than ticks. */
export async function drain(sessions: readonly Pick<Session, 'end'>[], drainMs: number): Promise<void> {
  const perTick = Math.max(1, Math.ceil((sessions.length * TICK_MS) / drainMs));
  for (let i = 0; i < sessions.length; i += perTick) {
    if (i > 0) await pause(jittered(TICK_MS));
    for (const session of sessions.slice(i, i + perTick)) session.end('shutting_down');
  }
}
