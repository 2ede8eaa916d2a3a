/** One notification in the list. It is made once; what changes later is whether it is read, and how long ago it was. */
import { type InboxItem, timeOf } from '../client/connect.ts';
import { type Actions, messageOf } from './message.ts';
import { create, hidden, icon } from './nodes.ts';
import { absoluteTime, relativeTime } from './times.ts';
import type { Language } from './words.ts';

export interface ItemActions extends Actions {
  readonly onArchive: (item: InboxItem) => void;
}

export class Item {
  readonly element: HTMLLIElement;
  /** What takes the focus. */
  readonly main: HTMLElement;
  readonly #unread: HTMLElement;
  readonly #time: HTMLTimeElement;
  readonly #atMs: number;
  readonly #locale: string;

  constructor(item: InboxItem, language: Language, actions: ItemActions) {
    const { words, locale } = language;
    const { title, mark, main, text } = messageOf(item, language, actions);
    const archive = create('button', 'archive', { type: 'button' }, icon('archive'));
    archive.setAttribute('aria-label', words.archive(title));
    archive.addEventListener('click', () => actions.onArchive(item));
    this.main = main;
    this.#unread = hidden(`, ${words.unread}`);
    main.append(this.#unread);
    this.#atMs = timeOf(item);
    this.#locale = locale;
    this.#time = create('time', 'time', { datetime: item.time, title: absoluteTime(this.#atMs, locale) });
    this.element = create('li', 'item', {}, mark, create('div', 'text', {}, ...text, this.#time), archive);
    this.element.dataset.severity = item.severity;
  }

  update({ read, severity }: InboxItem, nowMs: number): void {
    const parts = `item ${severity} ${read ? 'read' : 'unread'}`;
    // The list is drawn anew with each change of any of them, and each second while there is no connection.
    if (this.element.getAttribute('part') !== parts) {
      this.element.setAttribute('part', parts);
      this.element.className = parts;
      this.#unread.hidden = read;
    }
    const time = relativeTime(this.#atMs, nowMs, this.#locale);
    if (this.#time.textContent !== time) this.#time.textContent = time;
  }
}
