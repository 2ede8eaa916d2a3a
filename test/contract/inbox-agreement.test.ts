/**
 * Whatever happens, in whatever order messages cross: the service, each device and a model that is plainly right show the
 * same list, in the same order, with the same marks and counts. Each run draws the same stories; another TEST_SEED draws
 * others, INBOX_RUNS more.
 */
import { afterAll, describe, expect, test } from 'vitest';
import fc from '../support/fast-check.ts';
import { InboxDevice } from '../support/inbox-device.ts';
import { EVERYBODY, lineOf, type Made } from '../support/inbox-model.ts';
import {
  anyElsewhere,
  anyEventsFor,
  anyMake,
  anyMarkOn,
  anyPick,
  markAs,
  meantBy,
  requestElsewhere,
} from '../support/inbox-story.ts';
import { ScriptedService, settled } from '../support/scripted-service.ts';

const RUNS = Number(process.env.INBOX_RUNS ?? 100);
const DEVICES = 3;

afterAll(() => console.log(`${RUNS} stories of inboxes tried`));

const anyEvents = anyEventsFor(EVERYBODY);
const anyDevice = fc.nat({ max: DEVICES - 1 });
const anyStep = fc.oneof(
  { weight: 8, arbitrary: anyMake },
  { weight: 4, arbitrary: anyMarkOn(anyDevice) },
  { weight: 2, arbitrary: anyElsewhere },
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
    const request = requestElsewhere(step, (audience) => service.model.head(audience));
    return void (await service.mark(request));
  }
  const device = devices[step.device];
  if (device === undefined) return;
  const { inbox, link } = device;
  if ('as' in step) {
    const meant = meantBy(step, inbox.list);
    if (meant.length > 0) markAs(inbox, step.as)(meant).catch(() => {});
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
  await fc.assert(fc.asyncProperty(anyStory, tellStory), { numRuns: RUNS, endOnFailure: false });
}, 300_000);

describe('another copy of an event is shown when the one that a page brought leaves its log', () => {
  const HOME: Made = {
    id: '1',
    source: '/a',
    audience: ['global', 'department:sales', 'user:ada'],
    collapsekey: 'k',
  };
  const SALES = (id: string, collapsekey?: string): Made => ({
    id,
    source: '/a',
    audience: ['department:sales'],
    collapsekey,
  });
  /** All three copies pass both gateways; only then the second device connects, and reads the first page. */
  const LOOKED: readonly Step[] = [
    { make: 0 },
    ...[0, 1].flatMap((device) => Array.from({ length: 3 }, () => ({ device, pass: 0 }))),
    { device: 1, connect: true },
    { device: 1, tell: true },
    { device: 1, arrive: 1 },
    { device: 1, look: true },
    { device: 1, serve: true },
    { device: 1, reply: 0 },
    { device: 1, arrive: 1 },
  ];
  const story = (maxLength: number, ...later: readonly Made[]): Story => ({
    events: [HOME, ...later],
    steps: [...LOOKED, ...later.map((_, i) => ({ make: i + 1 }))],
    before: 0,
    maxLength,
    looks: [false, false, false],
  });

  test('because it is replaced there', () => tellStory(story(1_000, SALES('2', 'k'))));

  test('because it is taken back there', () =>
    tellStory(story(1_000, { ...SALES('2'), retracts: { id: '1' } })));

  test('because the log keeps no more', () =>
    tellStory(story(5, ...['2', '3', '4', '5', '6'].map((id) => SALES(id)))));

  test('also when some of the others have come behind the page', () =>
    tellStory({
      events: [HOME, ...['2', '3', '4', '5', '6'].map((id) => SALES(id))],
      steps: [
        { make: 0 },
        { make: 1 },
        { device: 0, more: true },
        { make: 2 },
        { make: 3 },
        { make: 4 },
        { device: 0, arrive: 1 },
        { device: 0, serve: true },
        { make: 5 },
      ],
      before: 0,
      maxLength: 5,
      looks: [false, false, false],
    }));
});
