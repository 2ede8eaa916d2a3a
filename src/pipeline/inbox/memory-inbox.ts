/** The inbox in this process's memory, for embedded mode. It ends with the process, and the epochs of its logs say so. */
import { randomBytes } from 'node:crypto';
import type { Audience } from '../../contract/audience.ts';
import {
  type Cursor,
  EMPTY_HEAD,
  envelopeIn,
  NOTIFICATION_AT,
  NOTIFICATION_MIDDLE,
} from '../../contract/notification.ts';
import {
  type Appended,
  type Entry,
  type Inbox,
  type InboxLimits,
  identityOf,
  type LogLimits,
  limitsOf,
  type Place,
  type Shadows,
  type Stored,
  type StoredEnvelope,
  storedEnvelopeOf,
} from './inbox.ts';
import type { Incarnation } from './incarnations.ts';
import { encodeLiveMessage } from './live-message.ts';

export interface MemoryInboxOptions {
  readonly limits: InboxLimits;
  /** Hands a message to the audience's room; answers how many gateways took it. */
  readonly publish: (audience: Audience, message: Buffer) => number;
  readonly now: () => number;
}

interface Log {
  /** Of this log alone: one that begins after another was erased is not taken for it. */
  readonly epoch: string;
  head: number;
  readonly entries: Stored[];
  /** First place of each event seen, oldest first. */
  readonly once: Map<string, Place & { readonly untilMs: number }>;
  readonly newest: Map<string, number>;
  readonly retracted: Map<string, number>;
}

export class MemoryInbox implements Inbox {
  readonly #logs = new Map<Audience, Log>();
  readonly #options: MemoryInboxOptions;

  constructor(options: MemoryInboxOptions) {
    this.#options = options;
  }

  async append(audience: Audience, entries: readonly Entry[]): Promise<readonly Appended[]> {
    let log = this.#logs.get(audience);
    if (log === undefined) {
      const epoch = randomBytes(4).toString('hex');
      log = { epoch, head: 0, entries: [], once: new Map(), newest: new Map(), retracted: new Map() };
      this.#logs.set(audience, log);
    }
    const appended = [];
    for (const entry of entries) appended.push(this.#appendOne(audience, log, entry));
    this.#trim(log, limitsOf(audience, this.#options.limits));
    return appended;
  }

  async heads(audiences: readonly Audience[]): Promise<readonly Cursor[]> {
    return audiences.map((audience) => {
      const log = this.#logs.get(audience);
      return log === undefined ? EMPTY_HEAD : { epoch: log.epoch, offset: log.head };
    });
  }

  /** Nothing that was given out is lost while the process lives. */
  async fence(audience: Audience): Promise<Cursor> {
    const [head = EMPTY_HEAD] = await this.heads([audience]);
    return head;
  }

  /** Of its log, in entries. */
  async length(audience: Audience): Promise<number> {
    return this.#logs.get(audience)?.entries.length ?? 0;
  }

  async read(audience: Audience, first: number, last: number): Promise<readonly Stored[]> {
    const log = this.#logs.get(audience);
    return log?.entries.filter(({ offset }) => offset >= first && offset <= last) ?? [];
  }

  async readNewest(
    audience: Audience,
    first: number,
    last: number,
    limit: number,
  ): Promise<readonly Stored[]> {
    return (await this.read(audience, first, last)).toReversed().slice(0, limit);
  }

  async readEnvelopes(
    audience: Audience,
    first: number,
    last: number,
    limit: number,
  ): Promise<readonly StoredEnvelope[]> {
    const stored = await this.readNewest(audience, first, last, limit);
    return stored.map((entry) =>
      storedEnvelopeOf(envelopeIn(entry.json), entry, entry.appendedAtMs, entry.expiresAtMs),
    );
  }

  async places(audience: Audience, identities: readonly string[]): Promise<readonly (Place | undefined)[]> {
    const once = this.#logs.get(audience)?.once;
    const nowMs = this.#options.now();
    return identities.map((identity) => {
      const found = once?.get(identity);
      if (found === undefined || found.untilMs <= nowMs) return undefined;
      const { offset, route, gateways } = found;
      return { offset, route, gateways };
    });
  }

  async shadows(audience: Audience): Promise<Shadows> {
    const log = this.#logs.get(audience);
    return { newest: new Map(log?.newest), retracted: new Map(log?.retracted) };
  }

  async incarnations(audience: Audience): Promise<readonly Incarnation[]> {
    const log = this.#logs.get(audience);
    return log === undefined ? [] : [{ epoch: log.epoch, firstOffset: 1 }];
  }

  /** The identities of the events whose repeats are recognised. */
  recognised(audience: Audience): readonly string[] {
    return [...(this.#logs.get(audience)?.once.keys() ?? [])];
  }

  erase(audience: Audience): void {
    this.#logs.delete(audience);
  }

  #appendOne(audience: Audience, log: Log, entry: Entry): Appended {
    const nowMs = this.#options.now();
    const { epoch } = log;
    const identity = identityOf(entry);
    const first = log.once.get(identity);
    if (first !== undefined && first.untilMs > nowMs) {
      return { epoch, offset: first.offset, repeat: true, gateways: 0 };
    }
    log.head += 1;
    const offset = log.head;
    const { head, tail } = entry.text;
    const json = `${head}${epoch}${NOTIFICATION_MIDDLE}${offset}${NOTIFICATION_AT}${Math.floor(nowMs)}${tail}`;
    const stored = { epoch, offset, json, appendedAtMs: nowMs };
    log.entries.push(
      entry.expiresAtMs === undefined ? stored : { ...stored, expiresAtMs: entry.expiresAtMs },
    );
    if (entry.collapseKey !== undefined) log.newest.set(entry.collapseKey, offset);
    if (entry.retracts !== undefined) log.retracted.set(entry.retracts, offset);
    log.once.delete(identity);
    const message = encodeLiveMessage({ ...entry, epoch, offset, json });
    const gateways = this.#options.publish(audience, message);
    const untilMs = nowMs + limitsOf(audience, this.#options.limits).dedupeMs;
    log.once.set(identity, { offset, route: entry.route, gateways, untilMs });
    return { epoch, offset, repeat: false, gateways };
  }

  #trim(log: Log, { maxLength, maxAgeMs }: LogLimits): void {
    const nowMs = this.#options.now();
    const keptFrom = log.entries.findIndex(({ appendedAtMs }) => nowMs - appendedAtMs < maxAgeMs);
    const tooOld = keptFrom === -1 ? log.entries.length : keptFrom;
    log.entries.splice(0, Math.max(tooOld, log.entries.length - maxLength));
    const firstKept = log.entries[0]?.offset ?? log.head + 1;
    for (const places of [log.newest, log.retracted]) {
      for (const [name, offset] of places) if (offset < firstKept) places.delete(name);
    }
    for (const [identity, { untilMs }] of log.once) {
      if (untilMs > nowMs) break;
      log.once.delete(identity);
    }
  }
}
