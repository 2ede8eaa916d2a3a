/** The entry of `carillon-client/bell`: importing it makes `<carillon-bell>` known to the browser. */
import type { CarillonError, Client, ConnectionState, InboxItem, Notification } from '../client/connect.ts';
import { Account } from './account.ts';
import { AttributesElement } from './attributes.ts';
import { contentsOf, notificationKeyOf } from './contents.ts';
import { create, hidden, icon } from './nodes.ts';
import { Panel } from './panel.ts';
import { styleSheet } from './style.ts';
import { Toasts } from './toasts.ts';
import { languageOf, languages } from './words.ts';

export type { Words } from './words.ts';

declare global {
  interface HTMLElementTagNameMap {
    'carillon-bell': CarillonBell;
  }
  interface HTMLElementEventMap {
    /** Each notification, also those of topics. Prevented: no toast. */
    'carillon-notification': CustomEvent<Notification>;
    /** A link is about to be followed. Prevented: the app does it. */
    'carillon-open': CustomEvent<{ readonly notification: Notification; readonly href: string }>;
    'carillon-state': CustomEvent<ConnectionState>;
    'carillon-error': CustomEvent<CarillonError>;
  }
}

const NOTHING = { list: [], unseen: 0, unread: 0, hasMore: false } as const;
const RELATIVE_TIMES_MS = 30_000;
const SEEN_MS = 250;

export class CarillonBell extends AttributesElement {
  static readonly observedAttributes = ['url', 'token', 'lang', 'toasts', 'open'];
  /** By BCP 47 tags. An app adds its own before the first bell is in the page. */
  static readonly languages = languages;
  /** For bells without a `url`. The bell that a gateway serves has that gateway's. */
  static defaultUrl = '';

  readonly #button = create('button', 'button', { type: 'button', 'aria-haspopup': 'dialog' });
  readonly #badge = create('span', 'badge', { 'aria-hidden': 'true' });
  readonly #name = hidden('');
  readonly #live = create('div', 'hidden', { role: 'status' });
  readonly #panel: Panel;
  readonly #toasts: Toasts;
  readonly #observer = new MutationObserver(() => this.#change());
  readonly #onVisibility = () => this.#see();
  #account: Account | undefined;
  /** What it is connected with; undefined: it is not. */
  #connectedWith: string | undefined;
  #getToken: (() => Promise<string>) | undefined;
  /** The attribute follows: while it opens it MUST NOT be touched. */
  #isOpen = false;
  #isChanging = false;
  #redrawing: number | undefined;
  #seeing: number | undefined;

  constructor() {
    super();
    const onChosen = (notification: Notification, href: string | undefined, click: MouseEvent) =>
      this.#choose(notification, href, click);
    this.#panel = new Panel({
      onChosen,
      onArchive: (item: InboxItem) => void this.client?.inbox.markArchived([item]),
      onReadAll: () => this.#mark('read'),
      onLoadMore: async () => await this.client?.inbox.loadMore(),
    });
    this.#toasts = new Toasts({
      onChosen: (notification, href, click) => {
        onChosen(notification, href, click);
        if (href === undefined) this.open = true;
      },
      onSummary: () => {
        this.open = true;
      },
      onLastDismissed: () => this.#button.focus(),
    });
    this.#button.append(icon('bell'), this.#badge, this.#name);
    this.#button.popoverTargetElement = this.#panel.element;
    this.#button.addEventListener('animationend', () => this.#button.classList.remove('ringing'));
    this.#panel.element.addEventListener('beforetoggle', ({ newState }) => this.#toggle(newState === 'open'));
    this.#panel.element.addEventListener('toggle', () => {
      this.open = this.#panel.isOpen;
    });
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [styleSheet()];
    root.append(this.#button, this.#panel.element, this.#live, this.#toasts.element);
  }

  /** Asked for each connection, and before the last token ends. Another function takes effect the next time. */
  get getToken(): (() => Promise<string>) | undefined {
    return this.#getToken;
  }

  set getToken(getToken: (() => Promise<string>) | undefined) {
    this.#getToken = getToken;
    this.#change();
  }

  /** For what the bell does not do, for example topics; undefined while it is not in a page or has no token. */
  get client(): Client | undefined {
    return this.#account?.client;
  }

  connectedCallback(): void {
    this.upgrade('url', 'token', 'getToken', 'open');
    this.#observer.observe(document, { subtree: true, attributeFilter: ['lang'] });
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#toasts.raise();
    this.#openOrClose();
    this.#change();
  }

  disconnectedCallback(): void {
    this.#observer.disconnect();
    document.removeEventListener('visibilitychange', this.#onVisibility);
    // It may only be moving: then it is in the page again when this is looked at.
    this.#change();
  }

  /** Moved by `moveBefore()`: all stays as it is. */
  connectedMoveCallback(): void {}

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now) return;
    if (name === 'open') this.#openOrClose();
    this.#change();
  }

  /** Once for all that changes in one turn. */
  #change(): void {
    if (this.#isChanging) return;
    this.#isChanging = true;
    queueMicrotask(() => {
      this.#isChanging = false;
      this.#connect();
      this.#draw();
    });
  }

  #connect(): void {
    const url = this.url || CarillonBell.defaultUrl;
    const isWanted = this.isConnected && url !== '' && (this.token !== '' || this.#getToken !== undefined);
    const wanted = isWanted ? `${url} ${this.#getToken === undefined ? this.token : ''}` : undefined;
    if (wanted !== this.#connectedWith) {
      this.#account?.client.close();
      this.#account = undefined;
      this.#connectedWith = wanted;
      if (wanted !== undefined) this.#account = this.#begin(url);
    }
    this.#account?.listen(this.#showsToasts());
  }

  #begin(url: string): Account | undefined {
    const token = () => this.#getToken?.() ?? this.token;
    const options = { url, token };
    try {
      return new Account(options, {
        onChange: () => this.#change(),
        tell: (type, detail) => this.#tell(type, detail),
        onSession: () => this.#see(),
        onArrival: (notification, isOld) => this.#arrive(notification, isOld),
        onToast: (notification) => {
          if (!this.#panel.isOpen) this.#toasts.show(notification, languageOf(this));
        },
        onBulk: (count) => this.#bulk(count),
      });
    } catch (error) {
      // The url cannot be connected to.
      this.#tell('carillon-error', error);
      return undefined;
    }
  }

  #draw(): void {
    const language = languageOf(this);
    const { words } = language;
    const inbox = this.client?.inbox.snapshot ?? NOTHING;
    const state = this.client?.state;
    const isOffline = state?.status === 'waiting' || state?.status === 'closed';
    const shown = countOf(inbox.unseen);
    const name = words.unseen(inbox.unseen, shown);
    if (this.#name.textContent !== name) this.#name.textContent = name;
    this.#badge.textContent = shown;
    this.#badge.hidden = inbox.unseen === 0;
    this.#button.part.toggle('offline', isOffline);
    this.#button.classList.toggle('offline', isOffline);
    const unseen = new Set(inbox.list.filter((item) => !item.seen).map(notificationKeyOf));
    this.#toasts.keep((key) => (key === undefined ? inbox.unseen > 0 : unseen.has(key)));
    if (this.#isOpen)
      this.#panel.draw({ inbox, state, isLoaded: this.#account?.isLoaded ?? false }, language);

    clearTimeout(this.#redrawing);
    if (!this.#isOpen || !this.isConnected) return;
    const inMs = state?.status === 'waiting' ? 1_000 : RELATIVE_TIMES_MS;
    this.#redrawing = window.setTimeout(() => this.#draw(), inMs);
  }

  #openOrClose(): void {
    if (!this.isConnected || this.open === this.#panel.isOpen) return;
    if (this.open) this.#panel.element.showPopover();
    else this.#panel.element.hidePopover();
  }

  /** The panel is about to open, or to close. */
  #toggle(isOpening: boolean): void {
    this.#button.setAttribute('aria-expanded', String(isOpening));
    for (const type of ['resize', 'scroll']) {
      if (isOpening) window.addEventListener(type, this.#place, { capture: true, passive: true });
      else window.removeEventListener(type, this.#place, { capture: true });
    }
    this.#isOpen = isOpening;
    // Browsers give the focus back, but not within a shadow root.
    if (!isOpening && this.#panel.element.matches(':focus-within')) this.#button.focus();
    if (!isOpening) return;
    this.#draw();
    this.#place();
    this.#see();
  }

  readonly #place = () => this.#panel.place(this.#button);

  /** What is in an open list is seen, when somebody looks. */
  #see(): void {
    if (document.visibilityState === 'visible') this.#toasts.resume();
    else this.#toasts.pause();
    clearTimeout(this.#seeing);
    // After all that comes together.
    this.#seeing = window.setTimeout(() => {
      if (this.#panel.isOpen && document.visibilityState === 'visible') this.#mark('seen');
    }, SEEN_MS);
  }

  /**
   * One by one if all of them are here: what is asked for so does not mean what comes while the asking takes long, as it
   * does when the connection is lost.
   */
  #mark(as: 'seen' | 'read'): void {
    const inbox = this.client?.inbox;
    if (inbox === undefined) return;
    const items = inbox.list.filter((item) => !item[as]);
    const count = as === 'seen' ? inbox.unseen : inbox.unread;
    const which = items.length < count ? 'all' : items;
    if (count > 0) void (as === 'seen' ? inbox.markSeen(which) : inbox.markRead(which));
  }

  #arrive(notification: Notification, isOld: boolean): boolean {
    const isWanted = this.#tell('carillon-notification', notification);
    if (notification.audience.startsWith('topic:')) return isWanted;
    this.#see();
    if (!isWanted || isOld) return isWanted;
    this.#button.classList.add('ringing');
    // Otherwise the toast is read out.
    if (this.#panel.isOpen || !this.#showsToasts()) {
      const { words, reads } = languageOf(this);
      this.#announce(`${words.severity[notification.severity]}: ${contentsOf(notification, reads).title}`);
    }
    return true;
  }

  #bulk(count: number): void {
    const { words } = languageOf(this);
    const text = words.arrived(countOf(count));
    if (this.#panel.isOpen) this.#announce(text);
    else this.#toasts.summarize(text, words);
  }

  #choose(notification: Notification, href: string | undefined, click: MouseEvent): void {
    void this.client?.inbox.markRead([notification]);
    const isPlain = !(click.metaKey || click.ctrlKey || click.shiftKey || click.altKey);
    if (href === undefined || !isPlain || this.#tell('carillon-open', { notification, href })) return;
    click.preventDefault();
    this.open = false;
  }

  /** False: a listener prevented what would follow. */
  #tell(type: string, detail: unknown): boolean {
    return this.dispatchEvent(
      new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable: true }),
    );
  }

  /** A new node, so that the same words again are read out again. */
  #announce(text: string): void {
    this.#live.replaceChildren(create('span', '', {}, text));
  }

  #showsToasts(): boolean {
    return this.getAttribute('toasts') !== 'off';
  }
}

/** What badges say: nobody reads "137". */
function countOf(count: number): string {
  return count > 99 ? '99+' : String(count);
}

// A page may have it twice, in two bundles; a server does not have it at all.
if (globalThis.customElements?.get('carillon-bell') === undefined) {
  globalThis.customElements?.define('carillon-bell', CarillonBell);
}
