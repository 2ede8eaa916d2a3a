/**
 * Whatever happens, in whatever order messages cross: the service, each device and a model that is plainly right show the
 * same list, in the same order, with the same marks and counts. Each run draws the same stories; another INBOX_SEED draws
 * others, INBOX_RUNS more.
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { MarkRequest } from '../../src/contract/inbox.ts';
import { anyId, anyRetraction, anySource, seldom } from '../support/any-events.ts';
import { InboxDevice } from '../support/inbox-device.ts';
import { BY_RANK, EVERYBODY, lineOf, type Made } from '../support/inbox-model.ts';
import { ScriptedService, settled } from '../support/scripted-service.ts';

const SEED = Number(process.env.INBOX_SEED ?? 3);
const RUNS = Number(process.env.INBOX_RUNS ?? 100);
const DEVICES = 3;

afterAll(() => console.log(`${RUNS} stories of inboxes tried; INBOX_SEED=${SEED}`));

const anyMade: fc.Arbitrary<Made> = fc.record({
  id: anyId,
  source: anySource,
  audience: fc.uniqueArray(fc.constantFrom(...EVERYBODY), { minLength: 1, maxLength: 3 }),
  collapsekey: seldom(fc.constantFrom('k', 'l')),
  retracts: seldom(anyRetraction),
  livesMs: seldom(fc.constantFrom(10, 3_000, 60_000)),
});
const anyEvents = fc.uniqueArray(anyMade, {
  minLength: 15,
  maxLength: 15,
  selector: ({ id, source }) => `${source} ${id}`,
});

const anyAs = fc.constantFrom<MarkRequest['as'][]>('seen', 'read', 'unread', 'archived');
const anyPick = fc.nat({ max: 40 });
const anyDevice = fc.nat({ max: DEVICES - 1 });
const anyStep = fc.oneof(
  { weight: 8, arbitrary: fc.record({ make: fc.nat({ max: 14 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      device: anyDevice,
      as: anyAs,
      which: fc.oneof(
        fc.constant('all' as const),
        fc.uniqueArray(anyPick, { minLength: 1, maxLength: 3 }),
        fc.record({ plain: anyPick }),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      elsewhere: anyAs,
      of: fc.oneof(
        fc.dictionary(fc.constantFrom(...BY_RANK), fc.nat({ max: 12 })),
        fc.array(fc.record({ id: anyId, source: anySource }), { minLength: 1, maxLength: 2 }),
      ),
    }),
  },
  { weight: 14, arbitrary: fc.record({ device: anyDevice, pass: anyPick }) },
  { weight: 12, arbitrary: fc.record({ device: anyDevice, arrive: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 6, arbitrary: fc.record({ device: anyDevice, serve: fc.constant(true) }) },
  { weight: 6, arbitrary: fc.record({ device: anyDevice, reply: anyPick }) },
  { weight: 4, arbitrary: fc.record({ device: anyDevice, connect: fc.constant(true) }) },
  { weight: 5, arbitrary: fc.record({ device: anyDevice, tell: fc.constant(true) }) },
  { weight: 2, arbitrary: fc.record({ device: anyDevice, disconnect: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ device: anyDevice, look: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ device: anyDevice, more: fc.constant(true) }) },
  { weight: 4, arbitrary: fc.record({ passMs: fc.constantFrom(1, 1, 20, 2_000, 30_000) }) },
);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

interface Story {
  readonly events: readonly Made[];
  readonly steps: readonly Step[];
  /** Notices to everybody that are there when it begins. */
  readonly before: number;
  readonly maxLength: number;
  readonly looks: readonly boolean[];
}

const anyStory: fc.Arbitrary<Story> = fc.record({
  events: anyEvents,
  steps: fc.array(anyStep, { maxLength: 80, size: 'max' }),
  before: fc.constantFrom(0, 0, 0, 20, 60, 99, 130),
  maxLength: fc.constantFrom(5, 1_000, 1_000),
  looks: fc.array(fc.boolean(), { minLength: DEVICES, maxLength: DEVICES }),
});

async function take(step: Step, story: Story, service: ScriptedService, devices: readonly InboxDevice[]) {
  if ('make' in step) {
    const made = story.events[step.make];
    if (made !== undefined) await service.make(made);
    return;
  }
  if ('passMs' in step) return await service.pass(step.passMs);
  if ('elsewhere' in step) {
    const { elsewhere: as, of } = step;
    if (Array.isArray(of)) return void (await service.mark({ as, events: of }));
    const within = Object.entries(of).map(([name, offset]) => {
      const audience = BY_RANK.find((one) => one === name) ?? 'global';
      return [audience, Math.min(offset ?? 0, service.model.head(audience))];
    });
    return void (await service.mark({ as, upTo: Object.fromEntries(within) }));
  }
  const device = devices[step.device];
  if (device === undefined) return;
  const { inbox, link } = device;
  if ('as' in step) {
    const { which } = step;
    const marks = {
      seen: inbox.markSeen,
      read: inbox.markRead,
      unread: inbox.markUnread,
      archived: inbox.markArchived,
    };
    const at = (pick: number) => inbox.list.slice(pick, pick + 1);
    const meant =
      which === 'all'
        ? which
        : Array.isArray(which)
          ? which.flatMap(at)
          : at(which.plain).map(({ id }) => id);
    if (meant.length > 0) marks[step.as](meant).catch(() => {});
  } else if ('pass' in step) link.pass(step.pass);
  else if ('arrive' in step) for (let i = 0; i < step.arrive; i += 1) link.arrive();
  else if ('serve' in step) await link.serve();
  else if ('reply' in step) link.reply(step.reply);
  else if ('connect' in step) device.connect();
  else if ('tell' in step) await link.tell();
  else if ('disconnect' in step) device.disconnect();
  else if ('look' in step) inbox.subscribe(() => {});
  else inbox.loadMore().catch(() => {});
}

/** Everything that is on its way arrives, and whatever follows from it, for minutes. */
async function calm(service: ScriptedService, devices: readonly InboxDevice[]): Promise<void> {
  for (let round = 0; round < 60; round += 1) {
    for (const device of devices) {
      device.connect();
      await device.link.tell();
      for (let i = 0; i < 10_000 && device.link.isBusy; i += 1) {
        device.link.pass(0);
        await device.link.serve();
        device.link.reply(0);
        device.link.arrive();
        await settled();
      }
    }
    await service.pass(5_000);
  }
}

/** As a device shows it, with all that is older. */
async function shownBy(service: ScriptedService, device: InboxDevice, devices: readonly InboxDevice[]) {
  for (let i = 0; i < 20 && device.inbox.hasMore; i += 1) {
    const more = device.inbox.loadMore();
    await calm(service, devices);
    await more;
  }
  const { list, unseen, unread } = device.inbox;
  return { list: list.map(lineOf), unseen, unread };
}

async function tellStory(story: Story): Promise<void> {
  // A full log of the shortest kind has nothing in common with so many.
  const before = story.maxLength > 5 ? story.before : 0;
  const service = new ScriptedService(story.maxLength);
  let drawn = 0;
  const random = () => (drawn = (drawn + 0.382) % 1);
  const devices = Array.from({ length: DEVICES }, () => new InboxDevice(service, random));
  // Departments count from the first session on.
  devices[0]?.connect();
  await devices[0]?.link.tell();
  for (let i = 1; i <= before; i += 1) {
    await service.make({ id: `p${i}`, source: '/before', audience: ['global'] });
    service.nowMs += 1;
  }
  for (const [i, device] of devices.entries()) if (story.looks[i]) device.inbox.subscribe(() => {});
  for (const step of story.steps) {
    await take(step, story, service, devices);
    await settled();
  }
  await calm(service, devices);
  const { model } = service;
  const counts = () => ({
    unseen: Math.min(100, model.shown('unseen', service.nowMs).length),
    unread: Math.min(100, model.shown('unread', service.nowMs).length),
  });
  for (const filter of ['all', 'unseen', 'unread', 'archived'] as const) {
    const { notifications, ...counted } = await service.list(filter);
    expect({ list: notifications.map(lineOf), ...counted }).toEqual({
      list: model.shown(filter, service.nowMs),
      ...counts(),
    });
  }
  for (const [i, device] of devices.entries()) {
    expect(device.errors).toEqual([]);
    // The badge of those who have not looked.
    const { unseen, unread } = device.inbox;
    expect({ device: i, unseen, unread }).toEqual({ device: i, ...counts() });
    await device.inbox.subscribe(() => {});
    await calm(service, devices);
    expect({ device: i, ...(await shownBy(service, device, devices)) }).toEqual({
      device: i,
      list: model.shown('all', service.nowMs),
      ...counts(),
    });
  }
}

test('service, devices and model agree', async () => {
  await fc.assert(fc.asyncProperty(anyStory, tellStory), { seed: SEED, numRuns: RUNS, endOnFailure: false });
}, 300_000);
