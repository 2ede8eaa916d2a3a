/** Event → audiences: those that the event names itself, or else those of every route that matches its type. */
import { type Audience, isOwn } from '../../contract/audience.ts';
import type { Event } from '../../contract/event.ts';
import { type Read, refuse } from '../../contract/refusal.ts';
import type { Matcher } from './pattern.ts';
import type { Showing } from './presentation.ts';
import { fillTemplate, type Template } from './template.ts';

/** A rule that maps an event's type and data to audiences, and says what is shown of it. */
export interface Route {
  readonly type: string;
  readonly matches: Matcher;
  /** None in a route that only says what is shown. */
  readonly audience: readonly Template[];
  readonly shows?: Showing | undefined;
}

/** An audience, and the type of the route that led to it; none when the event named it itself. */
export interface Mapped {
  readonly audience: Audience;
  readonly route?: string;
}

/**
 * The audiences of an event, each once with what first led to it, in the order in which they were named.
 *
 * Refused with `no_audience` when there is none, `too_many_audiences` above `maxAudiences`, `invalid_audience` when one
 * is Carillon's own, and with a template's own refusal when a route needs data that the event lacks.
 */
export function audiencesOf(
  event: Event,
  routes: readonly Route[],
  maxAudiences: number,
): Read<readonly Mapped[]> {
  const mapped = event.audience === undefined ? routed(event, routes) : named(event.audience);
  if (!mapped.ok) return mapped;
  const audiences = mapped.value.length > 1 ? eachOnce(mapped.value) : mapped.value;
  if (audiences.length === 0) {
    return refuse(
      'no_audience',
      `names no audience, and no route maps the type "${event.type}" to one`,
      'audience',
    );
  }
  if (audiences.length > maxAudiences) {
    return refuse(
      'too_many_audiences',
      `${audiences.length} audiences are more than ${maxAudiences}`,
      'audience',
    );
  }
  const own = audiences.find(({ audience }) => isOwn(audience));
  if (own !== undefined) return refuse('invalid_audience', `${own.audience} is Carillon's own`, 'audience');
  return { ok: true, value: audiences };
}

function eachOnce(mapped: readonly Mapped[]): readonly Mapped[] {
  const first = new Map<Audience, Mapped>();
  for (const one of mapped) if (!first.has(one.audience)) first.set(one.audience, one);
  return [...first.values()];
}

function named(audiences: readonly Audience[]): Read<readonly Mapped[]> {
  return { ok: true, value: audiences.map((audience) => ({ audience })) };
}

function routed(event: Event, routes: readonly Route[]): Read<readonly Mapped[]> {
  const audiences: Mapped[] = [];
  for (const route of routes) {
    if (!route.matches(event.type)) continue;
    for (const template of route.audience) {
      const filled = fillTemplate(template, event);
      if (!filled.ok) return filled;
      audiences.push(...filled.value.map((audience) => ({ audience, route: route.type })));
    }
  }
  return { ok: true, value: audiences };
}
