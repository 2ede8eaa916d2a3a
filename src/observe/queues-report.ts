/**
 * What is said of each queue, from what this process could find out, and of everything else why it is not known. A pure
 * function: app/queues-report.ts gathers the facts.
 */
import {
  type QueueKind,
  type QueueReport,
  type QueueUnknownCode,
  queueUnknowns,
} from '../contract/queues.ts';

/** What a gateway's canaries tell of a queue. */
export interface CanaryReading {
  /** The last one that came back; undefined while none has. */
  readonly back:
    | {
        readonly roundTripMs: number;
        readonly agoMs: number;
        /** The process that took it from the queue; undefined when that does not say so. */
        readonly takenBy?: string | undefined;
      }
    | undefined;
  /** How long none has come back, since one was sent; undefined while none is on its way. */
  readonly awaitedForMs: number | undefined;
  /** Where they get stuck; undefined when they do not, and while it is not known yet. */
  readonly failedLeg: NonNullable<QueueReport['lag']>['failedLeg'] | undefined;
}

export interface QueueFacts {
  readonly queue: string;
  readonly kind: QueueKind;
  readonly partition?: number;
  readonly counts:
    | { readonly messages: number; readonly consumers: number }
    | 'missing'
    | 'not_allowed'
    | 'not_answered';
  /** Whether this process takes from it now. */
  readonly isTakenHere: boolean;
  /** Of queues of events; undefined for others. Why there is none: this process sends no canaries. */
  readonly canary?: CanaryReading | 'no_gateway' | 'canary_off';
}

/** What the answer is about: when, by which process. */
export interface ReportContext {
  readonly node: string;
  readonly nowMs: number;
  /** Whether canaries pass events that wait, as RabbitMQ 4 does by their priority. */
  readonly doCanariesOvertake: boolean;
}

type Unknown = QueueReport['unknown'][number];

/** A value, or null and why; or a value that tells only a part, and why. */
interface Known<T> {
  readonly value: T | null;
  readonly unknown?: Omit<Unknown, 'field'> | undefined;
}

type TakenBy = NonNullable<QueueReport['takenBy']>;
type Lag = NonNullable<QueueReport['lag']>;

export function reportQueue(facts: QueueFacts, context: ReportContext): QueueReport {
  const { queue, kind, partition, counts } = facts;
  const isCounted = typeof counts !== 'string';
  const silence = isCounted ? undefined : because(counts);
  const ready: Known<number> = { value: isCounted ? counts.messages : null, unknown: silence };
  const consumers: Known<number> = { value: isCounted ? counts.consumers : null, unknown: silence };
  const takenBy = takenByOf(facts, context);
  const lag = lagOf(facts, context);
  return {
    queue,
    kind,
    ...(partition === undefined ? {} : { partition }),
    ready: ready.value,
    consumers: consumers.value,
    takenBy: takenBy.value,
    lag: lag.value,
    unknown: [
      ...named('ready', ready),
      ...named('consumers', consumers),
      ...named('takenBy', takenBy),
      ...named('lag', lag),
    ],
  };
}

function named(field: Unknown['field'], { unknown }: Known<unknown>): Unknown[] {
  return unknown === undefined ? [] : [{ field, ...unknown }];
}

const because = (code: QueueUnknownCode, detail: string = queueUnknowns[code]) => ({ code, detail });

const nothing = (code: QueueUnknownCode, detail?: string) => ({
  value: null,
  unknown: because(code, detail),
});

const NOT_CONSUMED: Readonly<Partial<Record<QueueKind, string>>> = {
  dead_letters: 'Only operators take from it, while they look, redrive or discard.',
  unreached_delay: 'RabbitMQ itself passes its messages on when they are due.',
  consumers: 'It has no messages: those who subscribe to it are only counted.',
};

function takenByOf(
  { kind, counts, canary, isTakenHere }: QueueFacts,
  { node, nowMs }: ReportContext,
): Known<TakenBy> {
  const notConsumed = NOT_CONSUMED[kind];
  if (notConsumed !== undefined) return nothing('not_consumed', notConsumed);
  const here = { node, at: momentOf(nowMs) };
  if (kind === 'source' && isTakenHere) return { value: here, unknown: because('others_unknown') };
  if (kind === 'source' || kind === 'unreached') {
    const isIdle = typeof counts !== 'string' && counts.consumers === 0;
    return isIdle ? nothing('not_consumed', 'No process takes from it now.') : nothing('not_told');
  }
  // RabbitMQ gives each of the others to one process at a time.
  if (isTakenHere) return { value: here };
  if (counts === 'missing') return nothing('missing');
  if (canary === undefined || typeof canary === 'string') return nothing(canary ?? 'not_told');
  const { back } = canary;
  if (back === undefined) return nothing('canary_not_back');
  if (back.takenBy === undefined)
    return nothing('not_told', 'The process that took the last canary is of a version that does not say so.');
  return { value: { node: back.takenBy, at: momentOf(nowMs - back.agoMs) } };
}

function lagOf({ counts, canary }: QueueFacts, { nowMs, doCanariesOvertake }: ReportContext): Known<Lag> {
  if (canary === undefined) return nothing('no_canary');
  if (counts === 'missing') return nothing('missing');
  if (typeof canary === 'string') return nothing(canary);
  const { back, awaitedForMs, failedLeg = null } = canary;
  if (back === undefined && awaitedForMs === undefined) return nothing('canary_not_back');
  const doEventsWait = typeof counts !== 'string' && counts.messages > 0;
  return {
    value: {
      ms: tenths(Math.max(back?.roundTripMs ?? 0, awaitedForMs ?? 0)),
      roundTripMs: back === undefined ? null : tenths(back.roundTripMs),
      cameBackAt: back === undefined ? null : momentOf(nowMs - back.agoMs),
      outSince: awaitedForMs === undefined ? null : momentOf(nowMs - awaitedForMs),
      failedLeg,
    },
    unknown: doCanariesOvertake && doEventsWait ? because('canary_overtakes') : undefined,
  };
}

const momentOf = (atMs: number) => new Date(atMs).toISOString();

const tenths = (ms: number) => Math.round(ms * 10) / 10;
