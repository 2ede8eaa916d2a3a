/** Sends the sessions of a node that goes down away little by little, so that the others do not get all of them at once. */
import { setTimeout as pause } from 'node:timers/promises';
import { jittered } from '../../resilience/jitter.ts';
import type { Session } from './session.ts';

const TICK_MS = 50;

/** Resolves when all are sent away: after `drainMs`, or sooner when they are fewer than there are ticks in it. */
export async function drain(sessions: readonly Pick<Session, 'end'>[], drainMs: number): Promise<void> {
  const perTick = Math.max(1, Math.ceil((sessions.length * TICK_MS) / drainMs));
  for (let i = 0; i < sessions.length; i += perTick) {
    if (i > 0) await pause(jittered(TICK_MS));
    for (const session of sessions.slice(i, i + perTick)) session.end('shutting_down');
  }
}
