/**
 * What export and erasure do, wherever the data is kept: whatever fails on the way and however often, an erasure ends
 * complete, and takes nothing that is of others.
 */
import { describe, expect, test } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import { EMPTY_HEAD } from '../../src/contract/notification.ts';
import { refuse } from '../../src/contract/refusal.ts';
import type { Outcomes } from '../../src/observe/outcomes/outcomes.ts';
import type { AdminCommand } from '../../src/operate/access/admin-command.ts';
import { UserDeadLetters } from '../../src/operate/dead-letters/dead-letters-of-user.ts';
import { MemoryDeadLetterStore } from '../../src/operate/dead-letters/memory-dead-letter-store.ts';
import { Erasure, type ErasureOptions } from '../../src/operate/personal-data/erasure.ts';
import { exported } from '../../src/operate/personal-data/personal-data-export.ts';
import { NO_MARKS } from '../../src/pipeline/inbox/marks.ts';
import { MessageReader } from '../../src/pipeline/sources/message-reader.ts';
import type { Parts } from '../support/personal-parts.ts';
import { entry } from './inbox-contract.ts';

const now = Date.now;
const READING = {
  reader: new MessageReader(undefined, { maxBytes: 65_536, maxAudiences: 100 }),
  routed: () => refuse('no_audience', 'there are no routes'),
};
const noDeadLetters = new MemoryDeadLetterStore(async () => {});
const PLACE = { epoch: 'a1b2c3d4', offset: 1 };

/** Everything that is kept of a user, in every part. */
export async function live(
  user: string,
  { inbox, marks, departments, unreachedMemory, presence, outcomes, commandLog }: Parts,
) {
  const audience: Audience = `user:${user}`;
  await inbox.append(audience, [
    entry(`own ${user.slice(1)}`, audience),
    entry(`both ${user.slice(1)}`, audience),
  ]);
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
  outcomes.record({ source: '/test', id: `own ${user.slice(1)}` }, settled);
  outcomes.record(
    { source: '/test', id: `both ${user.slice(1)}` },
    { ...settled, count: 2, audiences: [audience, 'user:eve'] },
  );
  await expect.poll(async () => (await outcomes.find(`both ${user.slice(1)}`)).size).toBe(1);
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

export function erasureOf(parts: Parts, state: Failing = { at: 0, isDone: false, calls: 0 }): Erasure {
  const { records, inbox, presence, outcomes, commandLog } = parts;
  const adminCommands = { issue: (command: AdminCommand) => commandLog.append(command) };
  const deadLetters = { erase: async () => ({ scanned: 0, discarded: 0, rewritten: 0 }) };
  const options: ErasureOptions = {
    records: failing(records, state),
    inbox: failing<ErasureOptions['inbox']>(inbox, state),
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

export async function expectErased(parts: Parts): Promise<void> {
  expect(JSON.parse(await textOfExport('ada', parts))).toMatchObject({
    ...NOTHING,
    // It refuses the older tokens.
    commands: expect.arrayContaining([
      expect.objectContaining({ kind: 'disconnect', user: 'ada', erases: true }),
    ]),
  });
  expect((await parts.outcomes.find('both da')).get('/test')?.audiences).toEqual(['user:eve']);
  expect((await parts.outcomes.find('own da')).size).toBe(0);
  if (parts.stored === undefined) return;
  const found = (await parts.stored()).filter(({ place, text }) => `${place} ${text}`.includes('ada'));
  expect(found.map(({ place }) => place)).toEqual(['carillon:{directives}:log']);
}

export function describePersonalData(where: string, open: () => Parts | Promise<Parts>): void {
  describe(`personal data in ${where}`, () => contract(open));
}

function contract(open: () => Parts | Promise<Parts>): void {
  test('everything of the user is exported, and nothing of it is left after the erasure', async () => {
    const parts = await open();
    await live('ada', parts);
    const before = JSON.parse(await textOfExport('ada', parts));
    expect(before).toMatchObject({
      user: 'ada',
      inbox: [{ id: 'both da' }, { id: 'own da' }],
      marks: { global: { seen: [[1, 2]] } },
      departments: ['sales'],
      sessions: [{ session: 's-ada' }],
      devices: [{ session: 'g-ada', device: 'phone' }],
      fetched: PLACE,
      unreached: [PLACE],
      commands: [{ kind: 'departments', user: 'ada' }],
    });
    expect(before.repeats.map(({ id }: { id: string }) => id).toSorted()).toEqual(['both da', 'own da']);
    expect(before.outcomes.map(({ id }: { id: string }) => id).toSorted()).toEqual(['both da', 'own da']);
    expect(JSON.stringify(before)).not.toContain('user:eve');
    const erasure = erasureOf(parts);
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
    await erasureOf(parts).advance('ada', 60_000);
    // SCAN has no order.
    const withoutTime = (text: string) => {
      const { exportedAt: _, repeats, outcomes, ...rest } = JSON.parse(text);
      return { ...rest, found: [...repeats, ...outcomes].map((one) => JSON.stringify(one)).toSorted() };
    };
    expect(withoutTime(await textOfExport('bob', parts))).toEqual(withoutTime(bob));
    expect(withoutTime(await textOfExport('ada b', parts))).toEqual(withoutTime(other));
    expect(await parts.inbox.length('global')).toBe(1);
  });

  test('the log begins again under another epoch: no place of the old one is one of the new', async () => {
    const parts = await open();
    await live('ada', parts);
    const [old] = await parts.inbox.heads(['user:ada']);
    await erasureOf(parts).advance('ada', 60_000);
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
    const erasure = erasureOf(parts);
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
}
