/**
 * A user of a running service, with the history of the user's inbox as the service itself recorded it. The logs tell
 * where and when each event was appended. The marks that a witness receives tell in which order they were made. From
 * both, the model computes what the inbox must show, no matter which messages overtook each other.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { logKeyOf } from '../../src/adapters/redis/keys.ts';
import type { Audience } from '../../src/contract/audience.ts';
import { type InboxQuery, inboxPageSchema, type MarkRequest } from '../../src/contract/inbox.ts';
import { notificationSchema } from '../../src/contract/notification.ts';
import { tokenFor } from './carillon.ts';
import { connectClient, type TestClient } from './client.ts';
import { BY_RANK, eventOf, InboxModel, lineOf, type Made } from './inbox-model.ts';
import type { Stack } from './stack.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 30_000;
const TOPIC = 'topic:ticker';
export const AUDIENCES: readonly Audience[] = [...BY_RANK, 'user:bob', TOPIC];
const JOINED = BY_RANK.filter((audience) => audience.startsWith('department:'));
/** Much smaller than a list, and no divisor of its length. */
const PAGE = 7;

/** The events of all users, because the log of everybody's notices also contains the events of other users. */
export class EventsOfAll {
  readonly #made = new Map<string, Made>();

  /** Returns whether the event is new. */
  add(made: Made): boolean {
    const event = nameOf(made);
    if (this.#made.has(event)) return false;
    this.#made.set(event, made);
    return true;
  }

  of(event: string): Made {
    const made = this.#made.get(event);
    if (made === undefined) throw new Error(`nobody published ${event}`);
    return made;
  }
}

const nameOf = ({ source, id }: Pick<Made, 'source' | 'id'>) => `${source} ${id}`;

export class LiveInboxUser {
  readonly token: string;
  readonly #stack: Stack;
  readonly #redis: Redis;
  readonly #all: EventsOfAll;
  readonly #suffix: string;
  #publishing: Promise<void> = Promise.resolve();
  /** In the order in which they were published, without repeats. */
  readonly #events: Made[] = [];
  #markers = 0;
  #witness: TestClient | undefined;
  #since: readonly (readonly [Audience, number])[] = [];

  private constructor(stack: Stack, redis: Redis, all: EventsOfAll, suffix: string, token: string) {
    this.#stack = stack;
    this.#redis = redis;
    this.#all = all;
    this.#suffix = suffix;
    this.token = token;
  }

  /** `suffix`: stands at the end of all names that belong to this user alone. */
  static async make(stack: Stack, redis: Redis, all: EventsOfAll, suffix: string): Promise<LiveInboxUser> {
    const departments = JOINED.map((audience) => `${audience.slice('department:'.length)}${suffix}`);
    const topics = [`ticker${suffix}`];
    const token = await tokenFor(`ada${suffix}`, { departments, topics });
    return new LiveInboxUser(stack, redis, all, suffix, token);
  }

  get topic(): string {
    return `ticker${this.#suffix}`;
  }

  get ports(): readonly number[] {
    return this.#stack.gateways.map(({ url }) => Number(new URL(url).port));
  }

  /** Gives an event of the stories a source of this user's own. */
  own(made: Made): Made {
    const source = this.ownSource(made.source);
    const { retracts } = made;
    if (retracts?.source === undefined) return { ...made, source };
    return { ...made, source, retracts: { ...retracts, source: this.ownSource(retracts.source) } };
  }

  ownSource(source: string): string {
    return `${source}${this.#suffix}`;
  }

  /** Publishes events in the order of the calls. Resolves when RabbitMQ has confirmed. */
  publish(made: Made): Promise<void> {
    if (this.#all.add(made)) this.#events.push(made);
    const audience = made.audience.map((one) => this.#there(one));
    const event = { ...eventOf(made, Date.now()), audience };
    this.#publishing = this.#publishing.then(() => this.#stack.producer.publish(event));
    return this.#publishing;
  }

  /**
   * Publishes a marker event to each of these audiences. When a marker has arrived, everything published before it is
   * in the log.
   */
  async publishMarkers(audiences: readonly Audience[]): Promise<string[]> {
    this.#markers += 1;
    const source = this.ownSource('/marker');
    const made = audiences.map((audience, i) => ({
      id: `${this.#markers}.${i}`,
      source,
      audience: [audience],
    }));
    await Promise.all(made.map((one) => this.publish(one)));
    return made.map(({ id }) => `${source} ${id}`);
  }

  /** Resolves when everything that was published is in the logs. */
  async allAppended(): Promise<void> {
    const markers = await this.publishMarkers(BY_RANK);
    await until('the logs to have all', TIMEOUT_MS, async () => {
      const logs = await Promise.all(BY_RANK.map((audience) => this.#log(audience)));
      const there = new Set(logs.flat().map(({ event }) => event));
      return markers.every((event) => there.has(event));
    });
  }

  /** From now on, the user belongs to the departments. */
  async joinAll(): Promise<void> {
    await this.allAppended();
    this.#since = await Promise.all(
      JOINED.map(async (audience) => [audience, await this.headOf(audience)] as const),
    );
    this.#witness = connectClient(this.#stack.gateways[0]?.url ?? '', this.token);
    await this.#witness.session();
  }

  async headOf(audience: Audience): Promise<number> {
    return (await this.#log(audience)).at(-1)?.offset ?? 0;
  }

  /** Marks over HTTP, so that every device gets the change. */
  async mark(request: MarkRequest): Promise<void> {
    const upTo = Object.entries(request.upTo ?? {}).map(([name, offset]) => [
      this.#there(BY_RANK.find((one) => one === name) ?? 'global'),
      offset,
    ]);
    const body = { ...request, ...(request.upTo && { upTo: Object.fromEntries(upTo) }) };
    await this.#http('/v1/inbox/marks', body);
  }

  /** All pages of a filter, with the counts of the last page. */
  async list(filter: InboxQuery['filter']) {
    const lines: string[] = [];
    for (let before = ''; ; ) {
      const page = inboxPageSchema.parse(
        await this.#http(`/v1/inbox?filter=${filter}&limit=${PAGE}${before}`),
      );
      lines.push(...page.notifications.map((one) => this.lineOf(one)));
      const { next, unseen, unread } = page;
      if (next === undefined) return { list: lines, unseen, unread };
      before = `&before=${next}`;
    }
  }

  lineOf(item: { readonly audience: string } & Omit<Parameters<typeof lineOf>[0], 'audience'>): string {
    return lineOf({ ...item, audience: this.here(item.audience) });
  }

  /** The name by which the stories know the audience. */
  here(audience: string): Audience {
    return AUDIENCES.find((one) => this.#there(one) === audience) ?? 'global';
  }

  /** All marks that did not come from the witness, in the order in which the service made them. */
  get marked(): TestClient['marks'] {
    return (this.#witness?.marks ?? []).toSorted((a, b) => a.version - b.version);
  }

  witnessHas(event: string): boolean {
    return this.#witness?.notifications.some(({ source, id }) => `${source} ${id}` === event) ?? false;
  }

  /** Everything that happened up to this version of the marks. */
  async model(version = Number.POSITIVE_INFINITY): Promise<InboxModel> {
    const model = new InboxModel();
    for (const audience of BY_RANK) {
      for (const { event, ...place } of await this.#log(audience)) {
        model.place(this.#all.of(event), { ...place, audience });
      }
    }
    for (const joined of this.#since) model.joined(...joined);
    for (const { upTo = {}, heads = {}, ...marks } of this.marked.filter((one) => one.version <= version)) {
      const range =
        marks.events === undefined && marks.ids === undefined ? { upTo: this.#placesHere(upTo) } : {};
      model.mark({ as: marks.as, ids: marks.ids, events: marks.events, ...range }, this.#placesHere(heads));
    }
    return model;
  }

  /**
   * What a log has and what it should have, among those events of this user that do not expire. Others may have expired
   * on their way.
   */
  async logOf(audience: Audience) {
    const published = this.#events
      .filter((made) => made.livesMs === undefined && made.audience.includes(audience))
      .map(nameOf);
    const isAmong = new Set(published);
    const has = (await this.#log(audience)).map(({ event }) => event);
    return { has: has.filter((event) => isAmong.has(event)), published };
  }

  /** The events that every subscriber of the topic must receive. */
  plainOf(audience: Audience): string[] {
    const taken = this.#events.flatMap(({ source, retracts }) =>
      retracts === undefined ? [] : [nameOf({ id: retracts.id, source: retracts.source ?? source })],
    );
    return this.#events
      .filter((made) => made.audience.length === 1 && made.audience[0] === audience)
      .filter((made) => (made.livesMs ?? made.retracts ?? made.collapsekey) === undefined)
      .map(nameOf)
      .filter((event) => !taken.includes(event));
  }

  close(): void {
    this.#witness?.close();
  }

  #placesHere(places: Readonly<Record<string, number | undefined>>): Record<string, number> {
    return Object.fromEntries(Object.entries(places).map(([name, offset]) => [this.here(name), offset ?? 0]));
  }

  #there(audience: Audience): Audience {
    return audience === 'global' ? audience : (`${audience}${this.#suffix}` as const);
  }

  async #log(audience: Audience) {
    const rows = await this.#redis.xrange(logKeyOf(this.#there(audience), 'log'), '-', '+');
    return rows.map(([place, fields]) => {
      const { source, id, at = 0, expirytime } = notificationSchema.parse(JSON.parse(fields[1] ?? ''));
      const endsAtMs = expirytime === undefined ? Number.POSITIVE_INFINITY : Date.parse(expirytime);
      return { offset: Number.parseInt(place, 10), atMs: at, endsAtMs, event: `${source} ${id}` };
    });
  }

  async #http(path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#stack.gateways[1]?.url}${path}`, {
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    // The test asks more at once than the service allows a user.
    if (response.status === 429) {
      await pause(1_000 * Number(response.headers.get('retry-after') ?? 1));
      return await this.#http(path, body);
    }
    const answer: unknown = await response.json();
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }
}
