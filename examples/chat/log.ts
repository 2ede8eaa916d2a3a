/** What was said in the room, as a list. Whatever people type is text here, never markup. */
import type { Notification } from 'carillon-client';

const USER = '/users/';
const SERVICE = '/chat-service';

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

export class Log {
  /** What is scrolled, and the list in it. */
  readonly #window: HTMLElement;
  readonly #list: HTMLElement;
  readonly #me: string;
  /** What was typed here and is not yet in the room, by the event's id. */
  readonly #pending = new Map<string, HTMLElement>();
  #lastAuthor = '';

  constructor(window: HTMLElement, list: HTMLElement, me: string) {
    this.#window = window;
    this.#list = list;
    this.#me = me;
  }

  /** `source` tells who wrote: Carillon sets it for what comes from a client, and nobody can say another's. */
  add({ id, source, time, data }: Notification): void {
    this.dismiss(id);
    if (typeof data?.body !== 'string') return;
    if (source === SERVICE) this.#append(item('system', paragraph(data.body)), source);
    else if (source.startsWith(USER))
      this.#say(decodeURIComponent(source.slice(USER.length)), data.body, new Date(time));
  }

  /** Shows at once what is on its way. */
  expect(id: string, body: string): void {
    const said = item('own pending', paragraph(body));
    this.#pending.set(id, said);
    this.#keepAtEnd(() => this.#list.append(said));
  }

  dismiss(id: string): void {
    this.#pending.get(id)?.remove();
    this.#pending.delete(id);
  }

  #say(author: string, body: string, time: Date): void {
    const said = item(author === this.#me ? 'own' : 'other', paragraph(body));
    said.dataset.author = author;
    if (author !== this.#lastAuthor) {
      const head = document.createElement('small');
      head.textContent = `${author === this.#me ? 'you' : author}, ${clock.format(time)}`;
      said.prepend(head);
    }
    this.#append(said, author);
  }

  /** What is pending stays below: it will get its place in the room when it comes. */
  #append(said: HTMLElement, author: string): void {
    this.#lastAuthor = author;
    const [firstPending] = this.#pending.values();
    this.#keepAtEnd(() => this.#list.insertBefore(said, firstPending ?? null));
  }

  /** Who has scrolled up to read stays there. */
  #keepAtEnd(change: () => void): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#window;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 40;
    change();
    if (isAtEnd) this.#window.scrollTop = this.#window.scrollHeight;
  }
}

function item(kind: string, ...children: readonly HTMLElement[]): HTMLElement {
  const element = document.createElement('li');
  element.className = kind;
  element.append(...children);
  return element;
}

function paragraph(text: string): HTMLElement {
  const element = document.createElement('p');
  element.textContent = text;
  // Right-to-left text must not turn the line around it.
  element.dir = 'auto';
  return element;
}
