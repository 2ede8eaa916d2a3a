/** The queues as `/admin/queues` tells them. What it does not know comes as null with a reason, and stays unknown. */
import { isJsonObject, type JsonObject, numberAt, textAt } from '../json-object.ts';

export interface Unknown {
  readonly field: string;
  readonly code: string;
  readonly detail: string;
}

interface Lag {
  /** How long an event waits here now. */
  readonly ms: number | undefined;
  readonly cameBackAt: string | undefined;
  /** A canary sent then is on its way. */
  readonly outSince: string | undefined;
  /** Where canaries get stuck. */
  readonly failedLeg: string | undefined;
}

export interface Queue {
  readonly name: string;
  readonly kind: string;
  /** Messages ready, without those that a consumer has in hand. */
  readonly ready: number | undefined;
  readonly consumers: number | undefined;
  /** The process that is known to have taken from it last. */
  readonly takenBy: { readonly node: string; readonly at: string } | undefined;
  readonly lag: Lag | undefined;
  readonly unknown: readonly Unknown[];
}

export interface Queues {
  /** The process that answered. */
  readonly node: string;
  /** By its clock. */
  readonly at: string;
  /** When RabbitMQ was asked; undefined: not told. */
  readonly countedAt: string | undefined;
  readonly queues: readonly Queue[];
  /** Of the list itself: there may be more queues. */
  readonly unknown: readonly Unknown[];
}

export function readQueues(body: JsonObject): Queues {
  return {
    node: textAt(body, 'node') ?? '',
    at: textAt(body, 'at') ?? '',
    countedAt: textAt(body, 'countedAt'),
    queues: objectsIn(body.queues).map(readQueue),
    unknown: objectsIn(body.unknown).map(readUnknown),
  };
}

function readQueue(queue: JsonObject): Queue {
  const { takenBy, lag } = queue;
  return {
    name: textAt(queue, 'queue') ?? '',
    kind: textAt(queue, 'kind') ?? '',
    ready: numberAt(queue, 'ready'),
    consumers: numberAt(queue, 'consumers'),
    takenBy: isJsonObject(takenBy)
      ? { node: textAt(takenBy, 'node') ?? '', at: textAt(takenBy, 'at') ?? '' }
      : undefined,
    lag: isJsonObject(lag)
      ? {
          ms: numberAt(lag, 'ms'),
          cameBackAt: textAt(lag, 'cameBackAt'),
          outSince: textAt(lag, 'outSince'),
          failedLeg: textAt(lag, 'failedLeg'),
        }
      : undefined,
    unknown: objectsIn(queue.unknown).map(readUnknown),
  };
}

function readUnknown(unknown: JsonObject): Unknown {
  return {
    field: textAt(unknown, 'field') ?? '',
    code: textAt(unknown, 'code') ?? 'unknown',
    detail: textAt(unknown, 'detail') ?? '',
  };
}

function objectsIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** Why a field is not known, or only in part. */
export function whyUnknown({ unknown }: Queue, field: string): readonly Unknown[] {
  return unknown.filter((one) => one.field === field);
}

export type QueueState = 'flows' | 'stuck' | 'untaken' | 'slow' | 'unknown' | 'rests';

/** Above it people notice; the alerts of docs/runbooks.md wait longer, so that they are sure. */
const SLOW_MS = 5_000;

/** Whether events get through it. Other queues than those of events just lie there. */
export function stateOf({ kind, ready, consumers, lag }: Queue): QueueState {
  if (kind !== 'events' && kind !== 'partition') return ready === undefined ? 'unknown' : 'rests';
  if (lag?.failedLeg !== undefined) return 'stuck';
  if (consumers === 0) return 'untaken';
  if (lag?.ms !== undefined && lag.ms >= SLOW_MS) return 'slow';
  return consumers === undefined || ready === undefined ? 'unknown' : 'flows';
}
