/** Emits signals about sessions, from the `session` message until they end, and about the topics that they are in. */
import { type Audience, audienceKind, idOf, isOwn } from '../../contract/audience.ts';
import type { ClientSignal, Signals } from '../../contract/signal.ts';
import type { ObservedSession, SessionObserver } from './session-observer.ts';

/** Has a method only for the signals that are configured. */
export function signalSessions(node: string, signals: Signals): SessionObserver {
  const moved = (name: TopicSignal) => (session: ObservedSession, audience: Audience) => {
    if (!isPublicTopic(audience)) return;
    const topic = idOf(audience);
    signals.emit(name, { user: session.user, session: session.id, topic });
  };
  return {
    ...(signals.wants('client.connected') && {
      notified: (session) => {
        if (session.timesNotified === 1) signals.emit('client.connected', described(session, node));
      },
    }),
    ...(signals.wants('client.disconnected') && {
      closed: (session) => {
        if (session.timesNotified === 0) return;
        const { closeCode: code } = session;
        signals.emit('client.disconnected', {
          ...described(session, node),
          ...(code === undefined ? {} : { code }),
        });
      },
    }),
    ...(signals.wants('topic.joined') && { joined: moved('topic.joined') }),
    ...(signals.wants('topic.left') && { left: moved('topic.left') }),
  };
}

type TopicSignal = Extract<ClientSignal, `topic.${string}`>;

function described({ user, id, device, address, transport }: ObservedSession, node: string) {
  return { user, session: id, ...(device === undefined ? {} : { device }), node, address, transport };
}

function isPublicTopic(audience: Audience): boolean {
  return audienceKind(audience) === 'topic' && !isOwn(audience);
}
