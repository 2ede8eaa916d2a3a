/** What opens below the bell: the heading, the line about the connection, the list and what can be done with it. */
import type { ConnectionState, InboxSnapshot } from '../client/connect.ts';
import type { ItemActions } from './item.ts';
import { List } from './list.ts';
import { create, icon } from './nodes.ts';
import type { Language, Words } from './words.ts';

export interface PanelActions extends ItemActions {
  readonly onReadAll: () => void;
  readonly onLoadMore: () => Promise<void>;
}

export interface PanelContents {
  readonly inbox: InboxSnapshot;
  readonly state: ConnectionState | undefined;
  /** Whether the inbox was read: an empty one may only not be here yet. */
  readonly isLoaded: boolean;
}

const MARGIN_PX = 8;

export class Panel {
  /** A popover: the browser puts it above the page, and closes it by Escape and by clicks elsewhere. */
  readonly element: HTMLElement;
  readonly #list: List;
  readonly #heading = create('h2', 'heading', { id: 'heading' });
  readonly #readAll = create('button', 'action read-all', { type: 'button' });
  readonly #connection = create('p', 'connection');
  readonly #empty = create('p', 'empty');
  readonly #emptyText = create('span', '');
  readonly #more = create('button', 'action more', { type: 'button' });

  constructor(actions: PanelActions) {
    this.#list = new List(actions);
    this.#empty.append(icon('bell'), this.#emptyText);
    const header = create('header', 'header', {}, this.#heading, this.#readAll);
    const scroller = create('div', 'scroller', {}, this.#list.element, this.#empty, this.#more);
    const attributes = { popover: 'auto', role: 'dialog', 'aria-labelledby': 'heading', tabindex: '-1' };
    this.element = create('div', 'panel', attributes, header, this.#connection, scroller);
    // Where the popover puts the focus when it opens.
    this.element.autofocus = true;
    this.element.addEventListener('keydown', (press) => this.#list.move(press));
    this.#readAll.addEventListener('click', () => {
      actions.onReadAll();
      // It is gone now, and the focus with it.
      this.element.focus();
    });
    this.#more.addEventListener('click', () => void this.#loadMore(actions));
  }

  get isOpen(): boolean {
    return this.element.matches(':popover-open');
  }

  draw({ inbox, state, isLoaded }: PanelContents, language: Language): void {
    const { words } = language;
    const connection = isLoaded || state?.status !== 'connecting' ? connectionLine(state, words) : '';
    set(this.#heading, words.notifications);
    set(this.#readAll, words.markAllRead);
    this.#readAll.hidden = inbox.unread === 0;
    set(this.#connection, connection);
    this.#connection.hidden = connection === '';
    this.#list.draw(inbox.list, language);
    set(this.#emptyText, isLoaded ? words.empty : words.connecting);
    this.#empty.hidden = inbox.list.length > 0 || (!isLoaded && connection !== '');
    set(this.#more, words.loadMore);
    this.#more.hidden = !inbox.hasMore;
  }

  /** Below the button, or above it where there is more room. In the top layer there is nothing to be placed by. */
  place(button: Element): void {
    const { left, right, top, bottom } = button.getBoundingClientRect();
    const { clientWidth: width, clientHeight: height } = document.documentElement;
    const { style } = this.element;
    const isBelow = bottom < height / 2 || height - bottom > top;
    style.top = isBelow ? `${bottom + MARGIN_PX}px` : 'auto';
    style.bottom = isBelow ? 'auto' : `${height - top + MARGIN_PX}px`;
    style.maxHeight = `${(isBelow ? height - bottom : top) - 2 * MARGIN_PX}px`;
    // It ends where the bell does, or begins there: whichever is towards the middle of the page.
    const maxWidth = width - 2 * MARGIN_PX;
    const ownWidth = Math.min(Number.parseFloat(getComputedStyle(this.element).width) || maxWidth, maxWidth);
    const wanted = left + right > width ? right - ownWidth : left;
    style.left = `${Math.max(MARGIN_PX, Math.min(wanted, width - ownWidth - MARGIN_PX))}px`;
    style.maxWidth = `${maxWidth}px`;
  }

  async #loadMore({ onLoadMore }: PanelActions): Promise<void> {
    const shown = this.#list.element.childElementCount;
    this.#more.disabled = true;
    try {
      await onLoadMore();
    } finally {
      this.#more.disabled = false;
      // The first of the older ones, for those who go on with the keyboard.
      if (this.isOpen && !this.element.querySelector(':focus'))
        this.#list.focus(shown) || this.element.focus();
    }
  }
}

function connectionLine(state: ConnectionState | undefined, words: Words): string {
  if (state?.status === 'waiting') {
    return words.waiting(Math.max(1, Math.ceil((state.retryAt - Date.now()) / 1_000)));
  }
  if (state?.status === 'connecting') return words.connecting;
  return state?.status === 'connected' ? '' : words.closed;
}

/** What did not change is left alone: screen readers notice. */
function set(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
