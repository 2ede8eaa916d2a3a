/** The signals in the AsyncAPI document: events that Carillon itself publishes for other services over AMQP. */
import { STRUCTURED_TYPE } from '../src/contract/cloudevent.ts';
import { type SignalName, signalEventSchema, signalSchemas, typesOf } from '../src/contract/signal.ts';
import { messagesIn } from './asyncapi-part.ts';
import { refTo } from './json-schema.ts';

const CHANNEL = 'signals';

const summaries: Record<SignalName, string> = {
  'client.connected': 'A socket has been told its `session`.',
  'client.disconnected': 'Such a socket has gone, or was sent away.',
  'topic.joined': 'A socket is in a topic now.',
  'topic.left': 'A socket has left a topic: by request, by a narrower token, or because it has gone.',
  'notification.read':
    'A request has marked something as read or archived that was not. Exactly one of ids, upTo and all says what it asked for.',
  'notification.unreached':
    'Nobody came for a notification within UNREACHED_AFTER: another service may take over. One for each notification and user; a repeat, with the same id, is possible when a process died in between.',
  audit: 'An operator has called, or was refused. The type ends with what was done: one for each action.',
};

const titleOf = (name: SignalName) => (name === 'audit' ? 'carillon.audit.<action>' : typesOf(name).join());
const schemaName = (name: SignalName) =>
  `Signal${name.replace(/(?:^|\.)(\w)/g, (_, deadLetter) => deadLetter.toUpperCase())}`;
const messageName = (name: SignalName) => name.replace(/\.(\w)/, (_, deadLetter) => deadLetter.toUpperCase());
const names = Object.keys(signalSchemas).filter(isSignalName);

function isSignalName(name: string): name is SignalName {
  return name in signalSchemas;
}

export const signals = {
  messageNames: names.map(messageName),
  schemas: Object.fromEntries(names.map((name) => [schemaName(name), signalEventSchema(name)])),
  messages: Object.fromEntries(
    names.map((name) => [
      messageName(name),
      {
        name: titleOf(name),
        title: titleOf(name),
        summary: summaries[name],
        contentType: STRUCTURED_TYPE,
        payload: refTo(schemaName(name)),
      },
    ]),
  ),
  messageRefs: messagesIn(CHANNEL, ...names.map(messageName)),
};
