/** Finding events by their names: each log remembers where it put them, and is searched only for what it has forgotten. */
import { expect, test } from 'vitest';
import type { Audience } from '../../../../src/contract/audience.ts';
import { EMPTY_HEAD } from '../../../../src/contract/notification.ts';
import { NO_MARKS } from '../../../../src/pipeline/inbox/marks.ts';
import { MemoryInbox } from '../../../../src/pipeline/inbox/memory-inbox.ts';
import { meteredInbox } from '../../../../src/pipeline/inbox/metered-inbox.ts';
import { findEvents, findIds } from '../../../../src/pipeline/inbox/search.ts';
import { entry, LIMITS } from '../../../contract/inbox-contract.ts';

const DEDUPE_MS = 600_000;
const LOGS: readonly Audience[] = ['user:ada', 'department:sales', 'global'];

function setup() {
  let nowMs = 1_000;
  let read = 0;
  const forAll = (number: number) => ({ user: number, department: number, topic: number, global: number });
  const limits = { ...LIMITS, maxLength: forAll(2_000), maxAgeMs: forAll(1e12), dedupeMs: DEDUPE_MS };
  const inbox = new MemoryInbox({ limits, now: () => nowMs, publish: () => 0 });
  const counted = {
    heads: inbox.heads.bind(inbox),
    read: inbox.read.bind(inbox),
    places: inbox.places.bind(inbox),
    shadows: inbox.shadows.bind(inbox),
    readEnvelopes: async (...range: Parameters<MemoryInbox['readEnvelopes']>) => {
      const entries = await inbox.readEnvelopes(...range);
      read += entries.length;
      return entries;
    },
  };
  const searched = async (maxEntries = 10_000) => {
    const heads = await inbox.heads(LOGS);
    const logs = LOGS.map((audience, i) => ({ audience, head: heads[i] ?? EMPTY_HEAD, marks: NO_MARKS }));
    return { inbox: meteredInbox(counted, undefined, undefined), logs, maxEntries };
  };
  return {
    append: async (audience: Audience, ...ids: string[]) =>
      await inbox.append(
        audience,
        ids.map((id) => entry(id, audience)),
      ),
    pass: (ms: number) => {
      nowMs += ms;
    },
    events: async (...ids: string[]) => {
      const names = ids.map((id) => ({ source: '/test', id }));
      return [...(await findEvents(await searched(), names, nowMs - DEDUPE_MS)).offsets];
    },
    ids: async (...ids: string[]) => [...(await findIds(await searched(), ids)).offsets],
    get read() {
      return read;
    },
  };
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `e${i + 1}`);

test('reads what it finds and no more, in whichever logs it is', async () => {
  const own = setup();
  for (const audience of LOGS) await own.append(audience, ...numbered(1_000));
  const wanted = numbered(100);
  expect(await own.events(...wanted)).toEqual(LOGS.map((audience) => [audience, [[1, 100]]]));
  expect(own.read).toBe(300);
});

test('an event whose place was forgotten is searched for', async () => {
  const own = setup();
  await own.append('global', 'old');
  own.pass(DEDUPE_MS + 1);
  await own.append('global', 'new');
  expect(await own.events('old', 'new')).toEqual([['global', [[1, 2]]]]);
});

test('a copy whose place is forgotten a little earlier than the other is found too', async () => {
  const own = setup();
  await own.append('global', 'copied');
  own.pass(30_000);
  await own.append('user:ada', 'copied');
  own.pass(DEDUPE_MS - 20_000);
  expect(new Map(await own.events('copied'))).toEqual(
    new Map([
      ['global', [[1, 1]]],
      ['user:ada', [[1, 1]]],
    ]),
  );
});

test('what is nowhere is not found', async () => {
  const own = setup();
  await own.append('global', 'a');
  expect(await own.events('b')).toEqual([]);
  expect(await own.ids('b')).toEqual([]);
});

test('an id alone means the events of every source', async () => {
  const own = setup();
  await own.append('global', 'a', 'b', 'c');
  expect(await own.ids('a', 'c')).toEqual([
    [
      'global',
      [
        [1, 1],
        [3, 3],
      ],
    ],
  ]);
});
