/** Logs the beginning and the end of sampled users' sessions, and why any client was sent away. */
import type { Logger } from 'pino';
import type { ObservedSession, SessionObserver } from './session-observer.ts';

/** `isSampled`: whether a user's sessions are logged. */
export function logSessions(log: Logger, isSampled: (user: string) => boolean): SessionObserver {
  return {
    connected: (session) => {
      if (!isSampled(session.user)) return;
      log.info({ ...whoIs(session), address: session.address, transport: session.transport }, 'connected');
    },
    closed: (session) => {
      const { closeCode: code, closeReason: reason } = session;
      if (code !== undefined || isSampled(session.user))
        log.info({ ...whoIs(session), reason, code }, 'disconnected');
    },
  };
}

function whoIs({ id, user, device }: ObservedSession) {
  return { session: id, user, device };
}
