/** The list: draws what changed and leaves what did not, so that the focus stays where it is. */
import type { InboxItem } from '../client/connect.ts';
import { notificationKeyOf } from './contents.ts';
import { Item, type ItemActions } from './item.ts';
import { create } from './nodes.ts';
import type { Language } from './words.ts';

export class List {
  readonly element = create('ul', 'list', { role: 'list' });
  readonly #actions: ItemActions;
  /** In the order of the list. */
  #items = new Map<string, Item>();
  #language: Language | undefined;

  constructor(actions: ItemActions) {
    this.#actions = actions;
  }

  /** False: there was none to focus. */
  focus(index: number): boolean {
    const item = [...this.#items.values()].at(index);
    item?.main.focus();
    return item !== undefined;
  }

  /** From wherever in the panel the focus is. */
  move(press: KeyboardEvent): void {
    const at = this.#focused();
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: Math.max(at - 1, 0),
      Home: 0,
      End: -1,
    };
    const to = steps[press.key];
    if (to !== undefined && this.focus(to)) press.preventDefault();
  }

  draw(list: readonly InboxItem[], language: Language): void {
    const { words, locale, reads } = language;
    const last = this.#language;
    if (words !== last?.words || locale !== last.locale || `${reads}` !== `${last.reads}`) {
      this.#items.clear();
      this.element.replaceChildren();
    }
    this.#language = language;
    const before = this.#items;
    const nowMs = Date.now();
    const focused = this.#focused();
    this.#items = new Map(
      list.map((shown) => {
        const key = notificationKeyOf(shown);
        const item = before.get(key) ?? new Item(shown, language, this.#actions);
        item.update(shown, nowMs);
        return [key, item];
      }),
    );
    for (const [key, { element }] of before) if (!this.#items.has(key)) element.remove();
    let next = this.element.firstElementChild;
    for (const { element } of this.#items.values()) {
      // Moving an element that stands right would take its focus away.
      if (element === next) next = next.nextElementSibling;
      else this.element.insertBefore(element, next);
    }
    // What had the focus may be gone: the one that took its place gets it.
    if (focused !== -1 && this.#focused() === -1) this.focus(Math.min(focused, this.#items.size - 1));
  }

  #focused(): number {
    return [...this.#items.values()].findIndex(({ element }) => element.matches(':focus-within'));
  }
}
