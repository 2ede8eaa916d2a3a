/** Event → audiences: those that the event names itself, or else those of every route that matches its type. */
import type { Audience } from '../contract/audience.ts';
import type { Event } from '../contract/event.ts';
import { type Read, refuse } from '../contract/refusal.ts';
import type { Matcher } from './pattern.ts';
import { fillTemplate, type Template } from './template.ts';

/** A rule that maps an event's type and data to audiences. */
export interface Route {
  readonly type: string;
  readonly matches: Matcher;
  readonly audience: readonly Template[];
}

/**
 * The audiences of an event, each once, in the order in which they were named.
 *
 * Refused with `no_audience` when there is none, `too_many_audiences` above `maxAudiences`, and with a template's
 * own refusal when a route needs data that the event lacks.
 */
export function audiencesOf(
  event: Event,
  routes: readonly Route[],
  maxAudiences: number,
): Read<readonly Audience[]> {
  const mapped =
    event.audience === undefined ? routed(event, routes) : { ok: true as const, value: event.audience };
  if (!mapped.ok) return mapped;
  const audiences = [...new Set(mapped.value)];
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
  return { ok: true, value: audiences };
}

function routed(event: Event, routes: readonly Route[]): Read<readonly Audience[]> {
  const audiences: Audience[] = [];
  for (const route of routes) {
    if (!route.matches(event.type)) continue;
    for (const template of route.audience) {
      const filled = fillTemplate(template, event);
      if (!filled.ok) return filled;
      audiences.push(...filled.value);
    }
  }
  return { ok: true, value: audiences };
}
