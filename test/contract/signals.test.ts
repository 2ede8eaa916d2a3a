/** Signals over RabbitMQ and within a process: the same events, and neither waits for nor fails with whoever listens. */
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { Unroutable } from '../../src/adapters/rabbitmq/publisher.ts';
import {
  type ClientSignal,
  type SignalData,
  type Signals,
  signalEventSchema,
} from '../../src/contract/signal.ts';
import { Listeners } from '../../src/operate/signals/listeners.ts';
import { MemorySignals } from '../../src/operate/signals/memory-signals.ts';
import { RabbitMqSignals } from '../../src/operate/signals/rabbitmq-signals.ts';

const JOINED: SignalData<'topic.joined'> = { user: 'ada', session: 's1', topic: 'ticker.a' };
const READ: SignalData<'notification.read'> = { user: 'ada', as: 'read', ids: ['a'], by: 'http' };

const CALL: SignalData<'audit'> = {
  action: 'users.disconnect',
  actor: 'grace',
  node: 'n1',
  address: '10.1.2.3',
  method: 'POST',
  route: '/admin/users/{user}/disconnect',
  target: { user: 'ada' },
  query: {},
  body: {},
  status: 202,
};

interface Subject {
  readonly signals: Signals;
  /** The events as they came to whoever listens. */
  readonly heard: unknown[];
  /** Names with what became of them. */
  readonly told: (readonly [ClientSignal, string])[];
}

/** `isHeard`: somebody listens. */
type Make = (wanted: readonly ClientSignal[], isHeard: boolean) => Subject;

function parts() {
  const heard: unknown[] = [];
  const told: (readonly [ClientSignal, string])[] = [];
  const onSignal = (name: ClientSignal, outcome: string) => void told.push([name, outcome]);
  const take = (text: string) => void heard.push(JSON.parse(text));
  return { heard, told, onSignal, take };
}

const memory: Make = (wanted, isHeard) => {
  const { heard, told, onSignal, take } = parts();
  const listeners = new Listeners();
  if (isHeard) listeners.listen(take);
  return { signals: new MemorySignals({ node: 'n1', wanted, listeners, onSignal }), heard, told };
};

const rabbitMq: Make = (wanted, isHeard) => {
  const { heard, told, onSignal, take } = parts();
  const publish = async (_exchange: string, key: string, body: Buffer) => {
    if (!isHeard) throw new Unroutable(key);
    take(body.toString());
  };
  const log = pino({ level: 'silent' });
  const signals = new RabbitMqSignals({ node: 'n1', wanted, publisher: { publish }, log, onSignal });
  return { signals, heard, told };
};

describe.for<[string, Make]>([
  ['RabbitMQ', rabbitMq],
  ['memory', memory],
])('%s', ([, make]) => {
  test('tells what is wanted, as the contract has it, and counts it', async () => {
    const { signals, heard, told } = make(['topic.joined', 'notification.read'], true);
    signals.emit('topic.joined', JOINED);
    signals.emit('topic.left', JOINED);
    signals.emit('notification.read', READ);
    const published = [
      ['topic.joined', 'published'],
      ['notification.read', 'published'],
    ];
    await expect.poll(() => told).toEqual(published);
    expect(heard.map((event) => signalEventSchema('topic.joined').safeParse(event).success)).toEqual([
      true,
      false,
    ]);
    const envelope = {
      specversion: '1.0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      source: '/carillon/n1',
      time: expect.stringMatching(/Z$/),
      subject: 'ada',
      datacontenttype: 'application/json',
    };
    expect(heard).toEqual([
      { ...envelope, type: 'carillon.topic.joined', data: JOINED },
      { ...envelope, type: 'carillon.notification.read', data: READ },
    ]);
  });

  test('tells a call of an operator by its action, and who asked, if that is known', async () => {
    const { signals, heard, told } = make(['audit'], true);
    const { actor: _actor, ...nobodys } = CALL;
    signals.emit('audit', CALL);
    signals.emit('audit', { ...nobodys, action: 'events.explain', refusal: 'unauthorized', status: 401 });
    await expect.poll(() => told.length).toBe(2);
    expect(heard).toMatchObject([
      { type: 'carillon.audit.users.disconnect', subject: 'grace', data: CALL },
      { type: 'carillon.audit.events.explain', data: { status: 401 } },
    ]);
    expect(heard[1]).not.toHaveProperty('subject');
    for (const event of heard) expect(() => signalEventSchema('audit').parse(event)).not.toThrow();
  });

  test('says what it wants', () => {
    const { signals } = make(['topic.joined'], true);
    expect([signals.wants('topic.joined'), signals.wants('topic.left')]).toEqual([true, false]);
  });

  test('takes it as no failure that nobody listens', async () => {
    const { signals, heard, told } = make(['topic.joined'], false);
    signals.emit('topic.joined', JOINED);
    await expect.poll(() => told).toEqual([['topic.joined', 'unrouted']]);
    expect(heard).toEqual([]);
  });
});

test('a queue for one action misses none of it because nobody listens to the others', async () => {
  const published: string[] = [];
  const publish = async (_exchange: string, key: string) => {
    if (!key.endsWith('discard')) throw new Unroutable(key);
    published.push(key);
  };
  const told: string[] = [];
  const log = pino({ level: 'silent' });
  const onSignal = (_name: ClientSignal, outcome: string) => void told.push(outcome);
  const signals = new RabbitMqSignals({
    node: 'n1',
    wanted: ['audit'],
    publisher: { publish },
    log,
    onSignal,
  });
  signals.emit('audit', CALL);
  await expect.poll(() => told).toEqual(['unrouted']);
  signals.emit('audit', { ...CALL, action: 'dead-letters.discard' });
  await expect.poll(() => told).toEqual(['unrouted', 'published']);
  expect(published).toEqual(['carillon.audit.dead-letters.discard']);
});

test('every listener within the process gets it, until it goes', () => {
  const listeners = new Listeners();
  const heard: string[] = [];
  const listener = (event: string) => void heard.push(event);
  const [stop, stopSecond] = [listeners.listen(listener), listeners.listen(listener)];
  expect(listeners.emit(Buffer.from('a'))).toBe(true);
  stop();
  stop();
  expect(listeners.emit(Buffer.from('b'))).toBe(true);
  stopSecond();
  expect(listeners.emit(Buffer.from('c'))).toBe(false);
  expect(heard).toEqual(['a', 'a', 'b']);
});
