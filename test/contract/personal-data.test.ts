/**
 * The erasure on Redis and in memory: whatever fails on the way and however often, it ends complete, and takes nothing that
 * is of others.
 */
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Audience, roomOf } from '../../src/contract/audience.ts';
import { EMPTY_HEAD } from '../../src/contract/notification.ts';
import { refuse } from '../../src/contract/refusal.ts';
import { channelOf } from '../../src/edge/gateway/redis-live-messages.ts';
import { MemoryOutcomes } from '../../src/observe/outcomes/memory-outcomes.ts';
import type { Outcomes } from '../../src/observe/outcomes/outcomes.ts';
import { RedisOutcomes } from '../../src/observe/outcomes/redis-outcomes.ts';
import type { AdminCommand } from '../../src/operate/access/admin-command.ts';
import { MemoryAdminCommandLog } from '../../src/operate/access/memory-admin-command-log.ts';
import { MemoryDepartments } from '../../src/operate/access/memory-departments.ts';
import { RedisAdminCommandLog } from '../../src/operate/access/redis-admin-command-log.ts';
import { RedisDepartments } from '../../src/operate/access/redis-departments.ts';
import { UserDeadLetters } from '../../src/operate/dead-letters/dead-letters-of-user.ts';
import { MemoryDeadLetterStore } from '../../src/operate/dead-letters/memory-dead-letter-store.ts';
import { Erasure, type ErasureOptions } from '../../src/operate/personal-data/erasure.ts';
import { MemoryPersonalRecords } from '../../src/operate/personal-data/memory-personal-records.ts';
import { exported } from '../../src/operate/personal-data/personal-data-export.ts';
import { RedisPersonalRecords } from '../../src/operate/personal-data/redis-personal-records.ts';
import { MemoryPresence } from '../../src/operate/presence/memory-presence.ts';
import { RedisPresence } from '../../src/operate/presence/redis-presence.ts';
import { NO_MARKS } from '../../src/pipeline/inbox/marks.ts';
import { MemoryMarksStore } from '../../src/pipeline/inbox/marks-store.ts';
import { MemoryInbox } from '../../src/pipeline/inbox/memory-inbox.ts';
import { RedisInbox } from '../../src/pipeline/inbox/redis-inbox.ts';
import { RedisMarksStore } from '../../src/pipeline/inbox/redis-marks-store.ts';
import { MessageReader } from '../../src/pipeline/sources/message-reader.ts';
import { LocalUnreachedMemory } from '../../src/reach/local-unreached-memory.ts';
import { RedisUnreachedMemory } from '../../src/reach/redis-unreached-memory.ts';
import { runIdOf } from '../support/append.ts';
import { everythingIn } from '../support/person.ts';
import { freshRedis } from '../support/servers.ts';
import { entry, LONG_LIVED } from './inbox-contract.ts';

const KEPT = { fetchedKeptMs: 60_000, signalledKeptMs: 60_000 };
const KEPT_MS = 60_000;
const READING = {
  reader: new MessageReader(undefined, { maxBytes: 65_536, maxAudiences: 100 }),
  routed: () => refuse('no_audience', 'there are no routes'),
};
const noDeadLetters = new MemoryDeadLetterStore(async () => {});
const now = Date.now;

function inMemory() {
  const inbox = new MemoryInbox({ limits: LONG_LIVED, publish: () => 0, now });
  const marks = new MemoryMarksStore(() => {});
  const departments = new MemoryDepartments();
  const unreachedMemory = new LocalUnreachedMemory(KEPT, now);
  return {
    inbox,
    marks,
    departments,
    unreachedMemory,
    presence: new MemoryPresence(),
    outcomes: new MemoryOutcomes(KEPT_MS, now),
    commandLog: new MemoryAdminCommandLog(),
    records: new MemoryPersonalRecords({ inbox, marks, departments, unreachedMemory }),
    stored: undefined,
  };
}

async function inRedis() {
  const url = await freshRedis();
  const redis = new Redis(url);
  const runId = await runIdOf(redis);
  const outcomes = new RedisOutcomes({
    redis,
    keptMs: KEPT_MS,
    onLost: (error) => expect.unreachable(String(error)),
  });
  onTestFinished(async () => {
    await outcomes.close();
    redis.disconnect();
  });
  const subscriber = { on: () => {}, ssubscribe: async () => {} };
  return {
    inbox: new RedisInbox({ redis, runIdOf: () => runId, channelOf, limits: LONG_LIVED }),
    marks: new RedisMarksStore({ redis, channelOf, keptMs: KEPT_MS }),
    departments: new RedisDepartments(redis),
    unreachedMemory: new RedisUnreachedMemory({ redis, ...KEPT }),
    presence: new RedisPresence({ redis }),
    outcomes,
    commandLog: new RedisAdminCommandLog({ redis, subscriber, keptMs: KEPT_MS, now }),
    records: new RedisPersonalRecords({ redis, nodeOf: () => redis, runIdOf: () => runId }),
    stored: () => everythingIn(url),
  };
}

type Parts = ReturnType<typeof inMemory> | Awaited<ReturnType<typeof inRedis>>;

const PLACE = { epoch: 'a1b2c3d4', offset: 1 };

/** Everything that is kept of a user, in every part. */
async function live(
  user: string,
  { inbox, marks, departments, unreachedMemory, presence, outcomes, commandLog }: Parts,
) {
  const audience: Audience = `user:${user}`;
  await inbox.append(audience, [entry('own', audience), entry('both', audience)]);
  await marks.save(user, 0, new Map([['global', { ...NO_MARKS, seen: [[1, 2]] }]]), undefined);
  await departments.give(user, ['sales']);
  unreachedMemory.fetched(audience, PLACE);
  await unreachedMemory.signalled(audience, PLACE);
  const session = { node: 'n', connectedAt: '2026-11-20T09:00:00.000Z', audiences: {} };
  await presence.write([
    { user, present: { ...session, session: `s-${user}`, address: '10.0.0.1', transport: 'websocket' } },
    {
      user,
      gone: { ...session, session: `g-${user}`, device: 'phone', disconnectedAt: session.connectedAt },
    },
  ]);
  const settled = { receivedAtMs: 1, settledAtMs: 2, count: 1, audiences: [audience] };
  outcomes.record({ source: '/test', id: 'own' }, settled);
  outcomes.record(
    { source: '/test', id: 'both' },
    { ...settled, count: 2, audiences: [audience, 'user:bob'] },
  );
  await expect.poll(async () => (await outcomes.find('both')).size).toBe(1);
  await commandLog.append({ kind: 'departments', user });
}

interface Failing {
  /** The call that fails, counted from 1; 0: none. */
  at: number;
  /** Whether what was asked for is done all the same. */
  isDone: boolean;
  calls: number;
}

/** Fails at one call, as a process that dies or loses Redis then. */
function failing<T extends object>(part: T, state: Failing): T {
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]) => {
        state.calls += 1;
        const isFailing = state.calls === state.at;
        if (isFailing && !state.isDone) throw new Error('gone before');
        const answer: unknown = await Reflect.apply(value, target, args);
        if (isFailing) throw new Error('gone after');
        return answer;
      };
    },
  });
}

function erasureOf(parts: Parts, state: Failing): Erasure {
  const { records, inbox, presence, outcomes, commandLog } = parts;
  const adminCommands = { issue: (command: AdminCommand) => commandLog.append(command) };
  const deadLetters = { erase: async () => ({ scanned: 0, discarded: 0, rewritten: 0 }) };
  const options: ErasureOptions = {
    records: failing(records, state),
    inbox: failing<Pick<RedisInbox, 'heads' | 'readEnvelopes'>>(inbox, state),
    presence: failing<ErasureOptions['presence']>(presence, state),
    outcomes: failing<Pick<Outcomes, 'forget'>>(outcomes, state),
    adminCommands: failing(adminCommands, state),
    commandLog: failing<ErasureOptions['commandLog']>(commandLog, state),
    deadLetters: failing(deadLetters, state),
    settleMs: 0,
    now,
  };
  return new Erasure(options);
}

async function textOfExport(user: string, parts: Parts): Promise<string> {
  const none = () => new UserDeadLetters({ store: noDeadLetters, ...READING }).find(user, 1);
  let text = '';
  for await (const piece of exported(user, { ...parts, deadLetters: { find: none }, now })) text += piece;
  return text;
}

const NOTHING = {
  inbox: [],
  marks: {},
  departments: null,
  sessions: [],
  devices: [],
  fetched: null,
  repeats: [],
  unreached: [],
  outcomes: [],
};

async function expectErased(parts: Parts): Promise<void> {
  expect(JSON.parse(await textOfExport('ada', parts))).toMatchObject({
    ...NOTHING,
    // It refuses the older tokens.
    commands: expect.arrayContaining([
      expect.objectContaining({ kind: 'disconnect', user: 'ada', erases: true }),
    ]),
  });
  expect((await parts.outcomes.find('both')).get('/test')?.audiences).toEqual(['user:bob']);
  expect((await parts.outcomes.find('own')).size).toBe(0);
  if (parts.stored === undefined) return;
  const room = roomOf('user:ada');
  const found = (await parts.stored()).filter(({ place, text }) => `${place} ${text}`.includes('ada'));
  expect(found.map(({ place }) => place)).toEqual(['carillon:{directives}:log']);
  expect(found.every(({ place }) => !place.includes(room))).toBe(true);
}

describe.for<[string, () => Parts | Promise<Parts>]>([
  ['memory', inMemory],
  ['Redis', inRedis],
])('%s', ([, open]) => {
  test('everything of the user is exported, and nothing of it is left after the erasure', async () => {
    const parts = await open();
    await live('ada', parts);
    const before = JSON.parse(await textOfExport('ada', parts));
    expect(before).toMatchObject({
      user: 'ada',
      inbox: [{ id: 'both' }, { id: 'own' }],
      marks: { global: { seen: [[1, 2]] } },
      departments: ['sales'],
      sessions: [{ session: 's-ada' }],
      devices: [{ session: 'g-ada', device: 'phone' }],
      fetched: PLACE,
      unreached: [PLACE],
      commands: [{ kind: 'departments', user: 'ada' }],
    });
    expect(before.repeats.map(({ id }: { id: string }) => id).toSorted()).toEqual(['both', 'own']);
    expect(before.outcomes.map(({ id }: { id: string }) => id).toSorted()).toEqual(['both', 'own']);
    expect(JSON.stringify(before)).not.toContain('bob');
    const erasure = erasureOf(parts, { at: 0, isDone: false, calls: 0 });
    expect(await erasure.advance('ada', 60_000)).toMatchObject({ user: 'ada', isComplete: true });
    await expectErased(parts);
    // Again: it changes nothing.
    expect(await erasure.advance('ada', 60_000)).toMatchObject({ isComplete: true });
    await expectErased(parts);
  });

  test('what is of others stays as it was', async () => {
    const parts = await open();
    await live('bob', parts);
    await live('ada', parts);
    await live('ada b', parts);
    await parts.inbox.append('global', [entry('notice', 'global')]);
    const [bob, other] = [await textOfExport('bob', parts), await textOfExport('ada b', parts)];
    await erasureOf(parts, { at: 0, isDone: false, calls: 0 }).advance('ada', 60_000);
    const withoutTime = (text: string) => ({ ...JSON.parse(text), exportedAt: '' });
    // Events that both were sent have one outcome, in which ada is not counted any more.
    expect(withoutTime(await textOfExport('bob', parts))).toEqual(withoutTime(bob));
    expect(withoutTime(await textOfExport('ada b', parts))).toMatchObject({ inbox: JSON.parse(other).inbox });
    expect(await parts.inbox.length('global')).toBe(1);
  });

  test('the log begins again under another epoch: no place of the old one is one of the new', async () => {
    const parts = await open();
    await live('ada', parts);
    const [old] = await parts.inbox.heads(['user:ada']);
    await erasureOf(parts, { at: 0, isDone: false, calls: 0 }).advance('ada', 60_000);
    expect(await parts.inbox.heads(['user:ada'])).toEqual([EMPTY_HEAD]);
    await parts.inbox.append('user:ada', [entry('own', 'user:ada')]);
    const [head] = await parts.inbox.heads(['user:ada']);
    expect(head).toMatchObject({ offset: 1 });
    expect(head?.epoch).not.toBe(old?.epoch);
    expect((await parts.inbox.incarnations('user:ada')).map(({ epoch }) => epoch)).toEqual([head?.epoch]);
  });

  test.for([false, true])(
    'killed at each call, which is done: %s, it ends complete when it is asked again',
    async (isDone) => {
      let at = 1;
      for (let isOver = false; !isOver; at += 1) {
        const parts = await open();
        await live('ada', parts);
        const state = { at, isDone, calls: 0 };
        const erasure = erasureOf(parts, state);
        const first = await erasure.advance('ada', 60_000).catch((error: Error) => error);
        isOver = state.calls < at;
        if (!isOver) expect(first).toBeInstanceOf(Error);
        state.at = 0;
        expect(await erasure.advance('ada', 60_000)).toMatchObject({ isComplete: true });
        await expectErased(parts);
      }
      // Each step was one of them.
      expect(at).toBeGreaterThan(15);
    },
  );

  test('one request takes a bounded time, and the next goes on', async () => {
    const parts = await open();
    await live('ada', parts);
    const erasure = erasureOf(parts, { at: 0, isDone: false, calls: 0 });
    const steps: unknown[] = [];
    for (let isOver = false; !isOver; ) {
      const { isComplete, step } = await erasure.advance('ada', 0);
      isOver = isComplete;
      if (!isOver) steps.push(step);
    }
    expect(new Set(steps)).toEqual(
      new Set(['outcomes', 'searching', 'removing', 'settling', 'commands', 'dead_letters']),
    );
    await expectErased(parts);
  });
});
