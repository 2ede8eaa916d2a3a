/** What the bell says, in the languages that it knows; an app may add more. */

export interface Words {
  /** Above the list. */
  readonly notifications: string;
  /** The button's name. `shown` is what the badge says: `99+` when there are more. */
  readonly unseen: (count: number, shown: string) => string;
  /** Two or more that came while there was no connection. */
  readonly arrived: (shown: string) => string;
  readonly unread: string;
  readonly severity: {
    readonly info: string;
    readonly success: string;
    readonly warning: string;
    readonly critical: string;
  };
  readonly empty: string;
  readonly loadMore: string;
  readonly markAllRead: string;
  readonly archive: (title: string) => string;
  readonly dismiss: (title: string) => string;
  readonly waiting: (seconds: number) => string;
  readonly connecting: string;
  readonly closed: string;
}

const en: Words = {
  notifications: 'Notifications',
  unseen: (count, shown) => (count === 0 ? 'Notifications, none new' : `Notifications, ${shown} new`),
  arrived: (shown) => `${shown} new notifications`,
  unread: 'Unread',
  severity: { info: 'Information', success: 'Success', warning: 'Warning', critical: 'Critical' },
  empty: 'Nothing here yet',
  loadMore: 'Show older',
  markAllRead: 'Mark all read',
  archive: (title) => `Archive: ${title}`,
  dismiss: (title) => `Dismiss: ${title}`,
  waiting: (seconds) => `No connection. Next try in ${seconds} s`,
  connecting: 'Connecting …',
  closed: 'Disconnected',
};

const zh: Words = {
  notifications: '通知',
  unseen: (count, shown) => (count === 0 ? '通知，没有新通知' : `通知，${shown} 条新通知`),
  arrived: (shown) => `${shown} 条新通知`,
  unread: '未读',
  severity: { info: '信息', success: '成功', warning: '警告', critical: '紧急' },
  empty: '暂无通知',
  loadMore: '显示更早的通知',
  markAllRead: '全部标为已读',
  archive: (title) => `归档：${title}`,
  dismiss: (title) => `关闭：${title}`,
  waiting: (seconds) => `连接已断开，${seconds} 秒后重试`,
  connecting: '正在连接…',
  closed: '已断开连接',
};

/** By BCP 47 tags. */
export const languages = new Map<string, Words>([
  ['en', en],
  ['zh', zh],
]);

export interface Language {
  readonly words: Words;
  /** For times and numbers. */
  readonly locale: string;
  /** What a notification's texts are looked for in: the element's own, also one without words here, then the reader's. */
  readonly reads: readonly string[];
}

/** The language of an element: its own, or that of the nearest element around it that has one. */
export function languageOf(element: Element): Language {
  const locale = canonical(tagOf(element));
  const reads = [...(locale === '' ? [] : [locale]), ...navigator.languages];
  for (let part = locale; part !== ''; part = part.slice(0, Math.max(part.lastIndexOf('-'), 0))) {
    const words = languages.get(part);
    if (words !== undefined) return { words, locale, reads };
  }
  return { words: languages.get('en') ?? en, locale: 'en', reads };
}

function tagOf(element: Element): string {
  const near = element.closest('[lang]');
  if (near !== null) return near.getAttribute('lang') ?? '';
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? tagOf(root.host) : '';
}

/** Pages write anything there, and Intl throws at what is no tag. */
function canonical(tag: string): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? '';
  } catch {
    return '';
  }
}
