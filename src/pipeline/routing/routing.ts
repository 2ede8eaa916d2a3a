/** The routes as they stand now: they change while events are on their way. */
import { createPresenter, type Presenter } from './presentation.ts';
import type { Route } from './route.ts';

/** What one file of routes says. It never changes: another file makes another one. */
export interface RouteTable {
  readonly routes: readonly Route[];
  /** Undefined when no route shows anything: then no event pays for it. */
  readonly present: Presenter | undefined;
}

export class Routing {
  #table: RouteTable;

  constructor(routes: readonly Route[]) {
    this.#table = tableOf(routes);
  }

  /** Whoever maps an event MUST read this once for it, so that its audiences and its texts come from the same file. */
  get table(): RouteTable {
    return this.#table;
  }

  /** Events that are mapped from now on go by these routes. */
  use(routes: readonly Route[]): void {
    this.#table = tableOf(routes);
  }
}

function tableOf(routes: readonly Route[]): RouteTable {
  return { routes, present: createPresenter(routes) };
}
