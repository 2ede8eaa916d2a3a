/** Checks, once everything is quiet, what a user's inboxes show and what the devices have reported. */
import { expect, vi } from 'vitest';
import type { Audience } from '../../src/contract/audience.ts';
import type { MarkRequest } from '../../src/contract/inbox.ts';
import { BY_RANK, type InboxModel } from './inbox-model.ts';
import type { LiveInboxDevice, MeantMark } from './live-inbox-device.ts';
import type { LiveInboxUser } from './live-inbox-user.ts';
import { until } from './until.ts';

/**
 * Resolves when everything published so far has reached these devices. Devices that lose their connection are not
 * waited for.
 */
export async function reached(
  user: LiveInboxUser,
  devices: readonly LiveInboxDevice[],
  audiences: readonly Audience[],
  patienceMs: number,
): Promise<void> {
  const markers = await user.publishMarkers(audiences);
  await until('the markers', patienceMs, () =>
    devices.every((device) => !device.isConnected || markers.every((event) => device.hasBeenTold(event))),
  );
}

/** `requests`: the marks made over HTTP. `patienceMs`: how long each wait may take. */
export async function expectAgreement(
  user: LiveInboxUser,
  devices: readonly LiveInboxDevice[],
  requests: readonly MarkRequest[],
  patienceMs: number,
) {
  // Some notifications may expire in the meantime, so both sides are asked again.
  const agreed = (shown: () => unknown, expected: () => unknown) =>
    vi.waitFor(async () => expect(await shown()).toEqual(expected()), { timeout: patienceMs, interval: 10 });
  await Promise.all(devices.map((device) => device.connected()));
  await Promise.all(devices.map((device) => device.answered()));
  await reached(user, devices, BY_RANK, patienceMs);
  const inTopic = devices.filter(({ topics }) => topics.length > 0);
  await reached(user, inTopic, ['topic:ticker'], patienceMs);
  const [last = ''] = await user.publishMarkers(['user:ada']);
  await until('the witness to have all', patienceMs, () => user.witnessHas(last));
  await until('the devices to have all', patienceMs, () =>
    devices.every((device) => device.hasBeenTold(last)),
  );

  for (const audience of BY_RANK) {
    const { has, published } = await user.logOf(audience);
    expect({ audience, has }).toEqual({ audience, has: published.slice(-has.length) });
  }
  expectMeant(user, devices, requests);
  const model = await user.model();
  for (const filter of ['all', 'unseen', 'unread', 'archived'] as const) {
    await agreed(
      () => user.list(filter),
      () => ({ list: model.shown(filter, Date.now()), ...countsOf(model) }),
    );
  }
  for (const [device, { inbox, errors }] of devices.entries()) {
    expect(errors).toEqual([]);
    // The badge of a device that has not opened its inbox yet.
    await agreed(
      () => ({ device, unseen: inbox.unseen, unread: inbox.unread }),
      () => ({ device, ...countsOf(model) }),
    );
    inbox.subscribe(() => {});
    await agreed(
      async () => {
        while (inbox.hasMore) await inbox.loadMore();
        const { list, unseen, unread } = inbox;
        return { device, list: list.map((one) => user.lineOf(one)), unseen, unread };
      },
      () => ({ device, list: model.shown('all', Date.now()), ...countsOf(model) }),
    );
  }
  await expectTold(user, devices, model);
}

function countsOf(model: InboxModel) {
  const nowMs = Date.now();
  return {
    unseen: Math.min(100, model.shown('unseen', nowMs).length),
    unread: Math.min(100, model.shown('unread', nowMs).length),
  };
}

/** Checks that every mark in the service was intended, and that the service has every mark that it answered. */
function expectMeant(
  user: LiveInboxUser,
  devices: readonly LiveInboxDevice[],
  requests: readonly MarkRequest[],
) {
  const meant = devices.flatMap(({ marks }) => marks);
  const marked = user.marked.map(({ as, ids, events, upTo = {} }) => {
    const named = events?.map(({ source, id }) => `${source} ${id}`).toSorted();
    const [id = ''] = ids ?? [];
    const isOneId = ids?.every((one) => one === id) ?? false;
    const names = named === undefined ? [] : [`${as} ${named}`];
    if (ids !== undefined) names.push(`${as} ids ${ids.toSorted()}`);
    if (isOneId) names.push(`${as} ids ${id}`);
    return { names: (ids ?? events) ? names : [`${as} up to`], upTo };
  });
  const nameOf = ({ as, id, events }: MeantMark) => {
    if (events !== undefined) return `${as} ${events.toSorted()}`;
    return id === undefined ? `${as} up to` : `${as} ids ${id}`;
  };
  const known = new Set([
    ...meant.map(nameOf),
    ...requests.map(({ as, ids, events }) => {
      const named = events?.map(({ source, id }) => `${source} ${id}`).toSorted();
      return named === undefined
        ? ids === undefined
          ? `${as} up to`
          : `${as} ids ${ids.toSorted()}`
        : `${as} ${named}`;
    }),
  ]);
  expect(marked.filter(({ names }) => !names.some((name) => known.has(name)))).toEqual([]);
  const isDone = (mark: MeantMark) =>
    marked.some(
      ({ names, upTo }) =>
        names.includes(nameOf(mark)) &&
        Object.entries(mark.upTo ?? {}).every(
          ([audience, offset]) =>
            offset <= (Object.entries(upTo).find(([one]) => one === audience)?.[1] ?? 0),
        ),
    );
  expect(meant.filter((mark) => mark.isAnswered && !isDone(mark))).toEqual([]);
}

/**
 * Checks what the devices told their apps: in order and once; nothing as new that the user had already seen elsewhere;
 * and everything that was published to a topic while the device subscribed to it.
 */
async function expectTold(user: LiveInboxUser, devices: readonly LiveInboxDevice[], model: InboxModel) {
  const models = new Map<number, InboxModel>();
  for (const device of devices) {
    const places = new Map<string, number>();
    for (const { life, audience, offset, event, isMissed, isSeen, version } of device.told) {
      const place = `${life} ${audience}`;
      expect({ place, event, offset }).toEqual({
        place,
        event,
        offset: Math.max(offset, 1 + (places.get(place) ?? 0)),
      });
      places.set(place, offset);
      if (audience.startsWith('topic:')) continue;
      const here = user.here(audience);
      const before = models.get(version) ?? (await user.model(version));
      models.set(version, before);
      if (isMissed && before.hasSeen(here, offset))
        expect({ event, isSeen }).toEqual({ event, isSeen: true });
      if (isSeen) expect({ event, isSeen }).toEqual({ event, isSeen: model.hasSeen(here, offset) });
    }
    const plain = user.plainOf('topic:ticker');
    const heard = device.told.filter(({ life, event }) => life === device.life && plain.includes(event));
    if (device.topics.length > 0 && heard.length > 0)
      expect(heard.map(({ event }) => event)).toEqual(plain.slice(-heard.length));
  }
}
