/**
 * Whatever happens, and however it crosses on real sockets: HTTP, each device and a model that is plainly right show the
 * same list, in the same order, with the same marks and counts. The same stories in each run, as far as chance on the
 * machine allows; another TEST_SEED draws others, INBOX_RUNS more.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MarkRequest } from '../../src/contract/inbox.ts';
import { anyId } from '../support/any-events.ts';
import fc from '../support/fast-check.ts';
import { BY_RANK, type Made } from '../support/inbox-model.ts';
import {
  anyAs,
  anyElsewhere,
  anyEventsFor,
  anyMake,
  anyMarkOn,
  meantBy,
  requestElsewhere,
} from '../support/inbox-story.ts';
import { expectAgreement, reached } from '../support/live-inbox-agreement.ts';
import { LiveInboxDevice } from '../support/live-inbox-device.ts';
import { AUDIENCES, EventsOfAll, LiveInboxUser } from '../support/live-inbox-user.ts';
import { type Stack, startStack } from '../support/stack.ts';

const RUNS = Number(process.env.INBOX_RUNS ?? 8);
const DEVICES = 3;
const RUN_MS = 60_000;

const anyDevice = fc.nat({ max: DEVICES - 1 });
const anyGateway = fc.nat({ max: 1 });
const anyStep = fc.oneof(
  { weight: 10, arbitrary: anyMake },
  { weight: 6, arbitrary: anyMarkOn(anyDevice) },
  { weight: 2, arbitrary: anyElsewhere },
  {
    weight: 1,
    arbitrary: fc.record({
      plainly: anyAs,
      ids: fc.oneof(fc.constant(undefined), fc.uniqueArray(anyId, { minLength: 1, maxLength: 2 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ leave: anyDevice }) },
  { weight: 3, arbitrary: fc.record({ comeBack: anyDevice, gateway: anyGateway }) },
  { weight: 1, arbitrary: fc.record({ reload: anyDevice, gateway: anyGateway, back: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ topicOf: anyDevice, last: fc.constantFrom(undefined, 2) }) },
  { weight: 1, arbitrary: fc.record({ look: anyDevice }) },
  { weight: 1, arbitrary: fc.record({ more: anyDevice }) },
  { weight: 4, arbitrary: fc.record({ passMs: fc.constantFrom(0, 1, 5, 20) }) },
  { weight: 3, arbitrary: fc.record({ settle: fc.constant(true) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      away: anyDevice,
      gateway: anyGateway,
      makes: fc.array(anyMake, { minLength: 1, maxLength: 3 }),
      marks: anyAs,
    }),
  },
);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

/** As the events are made up they live for what a story on real clocks never takes, or takes always. */
const LIVES_MS = new Map([
  [10, 40],
  [3_000, 300],
  [60_000, 3_600_000],
]);

interface Story {
  readonly events: readonly Made[];
  readonly steps: readonly Step[];
  /** So many of the events are there before the user is. */
  readonly before: number;
  readonly gateways: readonly number[];
  readonly looks: readonly boolean[];
}

const anyStory: fc.Arbitrary<Story> = fc.record({
  events: anyEventsFor(AUDIENCES),
  steps: fc.array(anyStep, { maxLength: 60, size: 'max' }),
  before: fc.nat({ max: 4 }),
  gateways: fc.array(anyGateway, { minLength: DEVICES, maxLength: DEVICES }),
  looks: fc.array(fc.boolean(), { minLength: DEVICES, maxLength: DEVICES }),
});

let stack: Stack;
let redis: Redis;
const all = new EventsOfAll();
let users = 0;
let patienceMs = RUN_MS;

beforeAll(async () => {
  stack = await startStack({
    // Short ones, so that a story goes beyond them. Notices to everybody are those of earlier stories too.
    INBOX_MAX_LENGTH: 'user=25,department=12,topic=50,global=70',
    SYNC_LIMIT: '8',
    CLIENT_MESSAGES_PER_SECOND: '1000',
    CLIENT_MESSAGES_BURST: '1000',
    USER_COST_PER_SECOND: '1000000000',
  });
  redis = new Redis(stack.redis.url);
});
afterAll(async () => {
  console.log(`${RUNS} stories of live inboxes tried`);
  redis.disconnect();
  await stack.stop();
});

async function take(
  step: Step,
  story: Story,
  user: LiveInboxUser,
  devices: readonly LiveInboxDevice[],
  asked: Asked,
) {
  const deviceAt = (i: number) => devices[i] ?? expect.unreachable('one of the devices');
  const portOf = (gateway: number) => user.ports[gateway] ?? expect.unreachable('one of the gateways');
  const publish = ({ make }: { readonly make: number }) =>
    void user.publish(story.events[make] ?? expect.unreachable('one of the events made up'));
  const settle = () =>
    reached(
      user,
      devices.filter(({ isConnected }) => isConnected),
      ['user:ada'],
      patienceMs,
    );
  if ('make' in step) publish(step);
  else if ('away' in step) {
    // What comes while a device is away is marked before it comes back.
    await deviceAt(step.away).leave();
    step.makes.forEach(publish);
    await user.allAppended();
    asked.mark({ as: step.marks, all: true });
    await asked.answered();
    deviceAt(step.away).comeBack(portOf(step.gateway));
  } else if ('elsewhere' in step) {
    const heads = new Map(
      await Promise.all(BY_RANK.map(async (one) => [one, await user.headOf(one)] as const)),
    );
    const request = requestElsewhere(step, (audience) => heads.get(audience) ?? 0);
    const events = request.events?.map(({ id, source }) => ({ id, source: user.ownSource(source) }));
    asked.mark({ ...request, ...(events && { events }) });
  } else if ('plainly' in step) {
    const { plainly: as, ids } = step;
    asked.mark(ids === undefined ? { as, all: true } : { as, ids });
  } else if ('as' in step) {
    const device = deviceAt(step.device);
    const meant = meantBy(step, device.inbox.list);
    if (meant.length > 0) device.mark(step.as, meant);
  } else if ('leave' in step) await deviceAt(step.leave).leave();
  else if ('comeBack' in step) deviceAt(step.comeBack).comeBack(portOf(step.gateway));
  else if ('reload' in step) deviceAt(step.reload).reload(portOf(step.gateway), step.back);
  else if ('topicOf' in step) deviceAt(step.topicOf).subscribe(user.topic, step.last);
  else if ('look' in step) deviceAt(step.look).inbox.subscribe(() => {});
  else if ('more' in step)
    deviceAt(step.more)
      .inbox.loadMore()
      .catch(() => {});
  else if ('passMs' in step) await pause(step.passMs);
  else await settle();
}

/** What is asked by HTTP, while other things go on. */
class Asked {
  readonly requests: MarkRequest[] = [];
  readonly #user: LiveInboxUser;
  #asking: Promise<void>[] = [];

  constructor(user: LiveInboxUser) {
    this.#user = user;
  }

  mark(request: MarkRequest): void {
    this.requests.push(request);
    this.#asking.push(this.#user.mark(request));
  }

  async answered(): Promise<void> {
    await Promise.all(this.#asking);
  }
}

async function tellStory(drawn: Story): Promise<void> {
  users += 1;
  const user = await LiveInboxUser.make(stack, redis, all, `-${users}`);
  const story = {
    ...drawn,
    events: drawn.events.map(({ livesMs = 0, ...made }) =>
      user.own({ ...made, livesMs: LIVES_MS.get(livesMs) }),
    ),
  };
  for (const made of story.events.slice(0, story.before)) void user.publish(made);
  await user.joinAll();
  const devices = await Promise.all(
    story.gateways.map((gateway) => LiveInboxDevice.start(user.ports[gateway] ?? 0, user.token)),
  );
  try {
    for (const [i, device] of devices.entries()) if (story.looks[i]) device.inbox.subscribe(() => {});
    const asked = new Asked(user);
    for (const step of story.steps) await take(step, story, user, devices, asked);
    await asked.answered();
    await expectAgreement(user, devices, asked.requests, patienceMs);
  } catch (error) {
    // Of what fails once, each shorter story is given less time to do so.
    patienceMs = 3_000;
    throw error;
  } finally {
    user.close();
    await Promise.all(devices.map((device) => device.close()));
  }
}

test(
  'service, devices and model agree',
  async () => {
    await fc.assert(fc.asyncProperty(anyStory, tellStory), {
      numRuns: RUNS,
      endOnFailure: true,
    });
  },
  60_000 + RUNS * RUN_MS,
);
