/** What the log says of sessions: that those of sampled users begin and end, and of whoever was sent away, why. */
import type { Logger } from 'pino';
import type { ObservedSession, SessionObserver } from './session-observer.ts';

/** `isSampled`: whose beginnings and ends are logged. */
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
