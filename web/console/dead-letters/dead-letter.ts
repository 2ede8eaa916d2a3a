/** Dead letters as `/admin/dead-letters` tells them, and what became of those that were sent again. */
import { isJsonObject, type JsonObject, numberAt, parseObject, textAt, textsAt } from '../json-object.ts';

export interface DeadLetter {
  readonly id: string;
  readonly reason: string;
  readonly detail: string;
  readonly path: string | undefined;
  /** When it became one; undefined where nobody has noted it. */
  readonly time: string | undefined;
  readonly type: string;
  readonly source: string | undefined;
  /** The event's id. */
  readonly event: string | undefined;
  readonly copies: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly bytes: number | undefined;
  /** Without what LOG_REDACT names; undefined when it is not shown. */
  readonly body: string | undefined;
  readonly isCut: boolean;
}

export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetter[];
  /** How many match, also those that are not in the answer; undefined: not told. */
  readonly matched: number | undefined;
  readonly scanned: number | undefined;
  /** There are more than were looked at. */
  readonly isPartial: boolean;
}

interface Refused {
  readonly code: string;
  readonly count: number;
  /** The first of them. */
  readonly ids: readonly string[];
}

export interface Redriven {
  readonly isDryRun: boolean;
  readonly matched: number;
  /** Events that were sent again, or would be. */
  readonly sent: number;
  readonly left: number;
  readonly refused: readonly Refused[];
  readonly isPartial: boolean;
  /** Of a dry run. */
  readonly forecast: Forecast | undefined;
}

export interface Forecast {
  readonly deliveries: number;
  readonly already: number;
  readonly unasked: number;
  readonly unrouted: number;
  /** The first of them. */
  readonly audiences: readonly { readonly audience: string; readonly events: number }[];
  readonly audienceCount: number;
}

export function readPage(body: JsonObject): DeadLetterPage {
  const letters = Array.isArray(body.deadLetters) ? body.deadLetters : [];
  return {
    deadLetters: letters.filter(isJsonObject).map(readDeadLetter),
    matched: numberAt(body, 'matched'),
    scanned: numberAt(body, 'scanned'),
    isPartial: body.isPartial === true,
  };
}

export function readDeadLetter(letter: JsonObject): DeadLetter {
  const headers = isJsonObject(letter.headers) ? letter.headers : {};
  return {
    id: textAt(letter, 'id') ?? '',
    reason: textAt(letter, 'reason') ?? 'unknown',
    detail: textAt(letter, 'detail') ?? '',
    path: textAt(letter, 'path'),
    time: textAt(letter, 'time'),
    type: textAt(letter, 'type') ?? '',
    source: textAt(letter, 'source'),
    event: textAt(letter, 'event'),
    copies: numberAt(letter, 'copies') ?? 1,
    headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
    bytes: numberAt(letter, 'bytes'),
    body: textAt(letter, 'body'),
    isCut: letter.isCut === true,
  };
}

export function readRedriven(body: JsonObject): Redriven {
  const isDryRun = body.dryRun === true;
  const refused = Array.isArray(body.refused) ? body.refused.filter(isJsonObject) : [];
  return {
    isDryRun,
    matched: numberAt(body, 'matched') ?? 0,
    sent: numberAt(body, isDryRun ? 'redrivable' : 'redriven') ?? 0,
    left: numberAt(body, 'left') ?? 0,
    refused: refused.map((one) => ({
      code: textAt(one, 'code') ?? 'unknown',
      count: numberAt(one, 'count') ?? 0,
      ids: textsAt(one, 'ids') ?? [],
    })),
    isPartial: body.isPartial === true,
    forecast: isDryRun ? readForecast(body) : undefined,
  };
}

function readForecast(body: JsonObject): Forecast {
  const audiences = Array.isArray(body.audiences) ? body.audiences.filter(isJsonObject) : [];
  return {
    deliveries: numberAt(body, 'deliveries') ?? 0,
    already: numberAt(body, 'already') ?? 0,
    unasked: numberAt(body, 'unasked') ?? 0,
    unrouted: numberAt(body, 'unrouted') ?? 0,
    audiences: audiences.map((one) => ({
      audience: textAt(one, 'audience') ?? '',
      events: numberAt(one, 'events') ?? 0,
    })),
    audienceCount: numberAt(body, 'audienceCount') ?? audiences.length,
  };
}

/** The first user that the event names as its audience; undefined where it names none, or cannot be read. */
export function userIn(body: string): string | undefined {
  const audience = parseObject(body)?.audience;
  const named = typeof audience === 'string' ? audience.split(',') : audience;
  const first = Array.isArray(named)
    ? named.find((one) => typeof one === 'string' && one.trim().startsWith('user:'))
    : undefined;
  return first?.trim().slice('user:'.length);
}
