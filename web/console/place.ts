/** Where on the page one is, as the address says: `#explain?event=7d1c&user=42`. Runbooks and colleagues link to it. */

const TRY_VIEWS = ['send', 'devices', 'live'] as const;
export const OPERATE_VIEWS = ['dead-letters', 'explain', 'users', 'queues'] as const;

export type TryView = (typeof TRY_VIEWS)[number];
export type OperateView = (typeof OPERATE_VIEWS)[number];

export type Params = Readonly<Record<string, string>>;

export type Place =
  | { readonly area: 'try'; readonly view: TryView; readonly params: Params }
  | { readonly area: 'operate'; readonly view: OperateView; readonly params: Params };

/** `hash`: as the address has it. What it does not name well is the first view. */
export function readPlace(hash: string): Place {
  const [, name = '', query = ''] = /^#?([^?]*)\??(.*)$/s.exec(hash) ?? [];
  const params: Params = Object.fromEntries(new URLSearchParams(query));
  const operating = OPERATE_VIEWS.find((view) => view === name);
  if (operating !== undefined) return { area: 'operate', view: operating, params };
  return { area: 'try', view: TRY_VIEWS.find((view) => view === name) ?? 'send', params };
}

/** Empty parameters are left out. */
export function hashOf(view: TryView | OperateView, params: Params = {}): string {
  const given = Object.entries(params).filter(([, value]) => value !== '');
  return given.length === 0 ? `#${view}` : `#${view}?${new URLSearchParams(given)}`;
}
