/**
 * The link between a device and a service, in one process and in virtual time, without servers and clocks. A test
 * decides when each message moves on. The messages of one audience's room keep their order, and so do those on the
 * wire. All others may overtake each other.
 */
import type { Audience } from '../../src/contract/audience.ts';
import type { InboxQuery, MarkRequest } from '../../src/contract/inbox.ts';
import { type Cursor, EMPTY_HEAD } from '../../src/contract/notification.ts';
import type { Cursors, Missed } from '../../src/contract/recovery.ts';
import { NO_DELIVERY_OBSERVERS } from '../../src/edge/gateway/delivery-observer.ts';
import { withMarks } from '../../src/edge/gateway/missed-marks.ts';
import { type AnswerBudget, recover } from '../../src/edge/gateway/recovery.ts';
import { Portion } from '../../src/pipeline/inbox/answer-size.ts';
import { decodeLiveMessage, decodeMarksMessage } from '../../src/pipeline/inbox/live-message.ts';
import { BY_RANK } from './inbox-model.ts';
import type { ScriptedService } from './scripted-service.ts';

const HOUR_MS = 3_600_000;
interface Asked {
  readonly name: string;
  readonly body: unknown;
  readonly answer: (answer: unknown) => void;
  readonly fail: (error: Error) => void;
}

/** The messages that reach a device. */
export interface Receiver {
  session(session: unknown): void;
  notification(notification: unknown): void;
  marks(marks: unknown): void;
}

const RECOVERY = { maxNotifications: 500, observers: NO_DELIVERY_OBSERVERS };
const METER = { spend: () => {} };

export class ScriptedLink {
  readonly #service: ScriptedService;
  readonly #receiver: Receiver;
  readonly #rooms = new Map<Audience, Buffer[]>();
  /** The place that the gateway's feeds have reached, by audience. */
  readonly #passed = new Map<Audience, Cursor>();
  #connections = 0;
  #session: string | undefined;
  #cursors: Cursors | undefined;
  #places: ReadonlyMap<Audience, Cursor> = new Map();
  /** Messages that wait until the `session` message is sent. */
  #held: (() => void)[] | undefined;
  #wire: (() => void)[] = [];
  #requests: Asked[] = [];
  #answers: (() => void)[] = [];
  readonly #waiting = new Set<Asked>();

  constructor(service: ScriptedService, receiver: Receiver) {
    this.#service = service;
    this.#receiver = receiver;
    service.links.push(this);
  }

  get isConnected(): boolean {
    return this.#session !== undefined;
  }

  /** Whether any message is still on its way. */
  get isBusy(): boolean {
    const waiting = [...this.#rooms.values()].some((room) => room.length > 0);
    return (
      waiting ||
      this.#held !== undefined ||
      this.#wire.length + this.#requests.length + this.#answers.length > 0
    );
  }

  publish(audience: Audience, bytes: Buffer): void {
    if (!BY_RANK.includes(audience)) return;
    this.#rooms.set(audience, [...(this.#rooms.get(audience) ?? []), bytes]);
  }

  /** The gateway adds the socket to its feeds. */
  connect(cursors: Cursors | undefined): void {
    if (this.#session !== undefined) return;
    this.#connections += 1;
    this.#session = `${this.#service.links.indexOf(this)}.${this.#connections}`;
    this.#cursors = cursors;
    this.#places = new Map(BY_RANK.map((audience) => [audience, this.#passed.get(audience) ?? EMPTY_HEAD]));
    this.#held = [];
  }

  /** Sends `session`, and then the messages that have arrived since `connect`. */
  async tell(): Promise<void> {
    const held = this.#held;
    if (held === undefined || this.#session === undefined) return;
    const missed = await this.#missed(this.#cursors ?? {}, this.#places);
    const opened = await this.#service.userInbox.open('ada', this.#places);
    const { heads: _, ...counted } = opened.counted;
    const at = this.#service.nowMs;
    const session = {
      session: this.#session,
      user: 'ada',
      departments: ['ops', 'sales'],
      audiences: Object.fromEntries(
        [...this.#places].map(([audience, { epoch, offset }]) => [audience, { epoch, head: offset }]),
      ),
      ...counted,
      kept: opened.kept,
      ...(opened.ahead === undefined ? {} : { ahead: opened.ahead }),
      expiresAt: new Date(at + 1_000 * HOUR_MS).toISOString(),
      serverTime: new Date(at).toISOString(),
      ...(this.#cursors !== undefined && {
        missed: Object.fromEntries(
          missed.map(([audience, one]) => [audience, withMarks(one, audience, opened)]),
        ),
      }),
    };
    this.#wire.push(() => this.#receiver.session(session), ...held);
    this.#held = undefined;
  }

  disconnect(): void {
    this.#session = undefined;
    this.#held = undefined;
    this.#wire = [];
    this.#answers = [];
    this.#requests = [];
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { fail } of waiting) fail(new Error('the connection is lost'));
  }

  ask(name: string, body: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const asked: Asked = {
        name,
        body,
        answer: (answer) => {
          this.#waiting.delete(asked);
          resolve(answer);
        },
        fail: reject,
      };
      this.#waiting.add(asked);
      this.#requests.push(asked);
    });
  }

  /** The next message of one audience reaches the gateway and moves on to the wire. */
  pass(pick: number): boolean {
    const waiting = [...this.#rooms].filter(([, room]) => room.length > 0);
    const [audience, room = []] = waiting[pick % Math.max(1, waiting.length)] ?? [];
    const bytes = room.shift();
    if (audience === undefined || bytes === undefined) return false;
    const live = decodeLiveMessage(bytes);
    if (live !== undefined) {
      this.#passed.set(audience, { epoch: live.epoch, offset: live.offset });
      const [, notification] = JSON.parse(live.packet.toString('utf8', 2));
      this.#send(() => this.#receiver.notification(notification));
      return true;
    }
    const marks = decodeMarksMessage(bytes);
    if (marks !== undefined && marks.origin !== this.#session) {
      const [, change] = JSON.parse(marks.packet.toString('utf8', 2));
      this.#send(() => this.#receiver.marks(change));
    }
    return true;
  }

  /** The service answers the first request. The answer is not on the wire yet. */
  async serve(): Promise<boolean> {
    const asked = this.#held === undefined ? this.#requests.shift() : undefined;
    if (asked === undefined) return false;
    const session = this.#session;
    const answer = await this.#answerTo(asked);
    if (this.#session === session) this.#answers.push(() => asked.answer(answer));
    return true;
  }

  /** One of the answers moves on to the wire. */
  reply(pick: number): boolean {
    const [answer] = this.#answers.splice(pick % Math.max(1, this.#answers.length), 1);
    if (answer !== undefined) this.#wire.push(answer);
    return answer !== undefined;
  }

  /** The next message on the wire reaches the device. */
  arrive(): boolean {
    const message = this.#wire.shift();
    message?.();
    return message !== undefined;
  }

  #send(message: () => void): void {
    if (this.#session === undefined) return;
    (this.#held ?? this.#wire).push(message);
  }

  async #answerTo({ name, body }: Asked): Promise<unknown> {
    const { userInbox } = this.#service;
    const given = Object.assign({}, body);
    if (name === 'inbox') {
      const { limit = 50, before }: Partial<InboxQuery> = given;
      const page = await userInbox.list('ada', BY_RANK, { filter: 'all', limit, before });
      return page.ok ? page.value : { error: page.refusal };
    }
    if (name === 'mark') {
      const { as = 'seen', ...which }: Partial<MarkRequest> = given;
      const marked = await this.#service.mark({ as, ...which }, this.#session);
      return marked.ok ? marked.value : { error: marked.refusal };
    }
    if (name === 'sync') {
      const { cursors = {} }: { readonly cursors?: Cursors } = given;
      const missed = await this.#missed(cursors, this.#passed);
      const marks = await userInbox.marks('ada', this.#passed);
      const audiences = missed.map(([audience, one]) => [audience, withMarks(one, audience, marks)] as const);
      return { audiences: Object.fromEntries(audiences), version: marks.version };
    }
    throw new Error(`nobody asks ${name}`);
  }

  async #missed(
    cursors: Cursors,
    places: ReadonlyMap<Audience, Cursor>,
  ): Promise<readonly (readonly [Audience, Missed])[]> {
    const answer: AnswerBudget = { portion: new Portion(524_288), meter: METER, isPartial: false };
    const options = { ...RECOVERY, inbox: this.#service.inbox, now: () => this.#service.nowMs };
    const missed: [Audience, Missed][] = [];
    for (const audience of BY_RANK) {
      const cursor = cursors[audience];
      if (cursor === undefined) continue;
      const head = places.get(audience) ?? EMPTY_HEAD;
      missed.push([audience, await recover(options, audience, cursor, head, answer)]);
    }
    return missed;
  }
}
