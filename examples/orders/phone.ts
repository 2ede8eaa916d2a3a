/** The customer's phone: a bell, and the inbox under it as a list. Offline it shows what it last knew. */

import {
  type Client,
  type ConnectionState,
  type InboxItem,
  type Notification,
  type Texts,
  textsOf,
} from 'carillon-client';
import { CarillonBell } from 'carillon-client/bell';
import { find, login } from '../support/page.ts';
import { element, part, timeOf } from './nodes.ts';
import { CUSTOMER } from './orders.ts';

const WORDS: Readonly<Record<ConnectionState['status'], string>> = {
  connecting: 'connecting …',
  connected: 'online',
  waiting: 'connection lost',
  closed: 'offline',
};

const SHOWN_LINES = 6;

export class Phone {
  readonly #bell = find('#phone carillon-bell', CarillonBell);
  readonly #button = find('#phone button', HTMLButtonElement);
  readonly #state = part('#phone [data-state]');
  readonly #log = part('[data-log]');
  readonly #language = find('#phone select', HTMLSelectElement);
  /** Titles of what came, by the event's id: a retraction tells no more than that. */
  readonly #titles = new Map<string, string>();

  constructor() {
    this.#button.addEventListener('click', () => {
      if (this.#bell.getToken === undefined) void this.goOnline();
      else this.#bell.getToken = undefined;
    });
  }

  async goOnline(): Promise<void> {
    this.#bell.url = (await login(CUSTOMER)).url;
    this.#bell.getToken = async () => (await login(CUSTOMER)).token;
    // The bell makes its client at the end of this turn.
    queueMicrotask(() => this.#bell.client && this.#listen(this.#bell.client));
  }

  #listen(client: Client): void {
    const setState = () => this.#showState(client.state);
    client.on('state', setState);
    setState();
    client.on('notification', (notification, { isMissed }) => {
      const { title } = this.#textsOf(notification);
      this.#titles.set(notification.id, title);
      this.#say(`${isMissed ? 'Afterwards' : 'Live'}: ${title}`);
    });
    client.on('retracted', ({ id }) => {
      this.#say(`Taken back: ${this.#titles.get(id) ?? 'what had not been here'}`);
    });
    let isLoaded = false;
    const show = () => isLoaded && this.#show(client.inbox.list);
    client.inbox.subscribe(show);
    this.#language.addEventListener('change', () => {
      // The bell follows the language around it.
      part('#phone').lang = this.#language.value;
      show();
    });
    client.inbox.refresh().then(
      () => {
        isLoaded = true;
        show();
      },
      // The bell tells it.
      () => {},
    );
  }

  #say(text: string): void {
    this.#log.prepend(element('p', text));
    while (this.#log.children.length > SHOWN_LINES) this.#log.lastElementChild?.remove();
  }

  #show(list: readonly InboxItem[]): void {
    for (const item of list) this.#titles.set(item.id, this.#textsOf(item).title);
    part('[data-inbox]').replaceChildren(...list.map((item) => rowOf(item, this.#textsOf(item))));
  }

  #textsOf(notification: Notification): Texts {
    return textsOf(notification, [this.#language.value]);
  }

  #showState({ status }: ConnectionState): void {
    this.#state.dataset.state = status;
    this.#state.textContent = WORDS[status];
    this.#button.textContent = status === 'closed' ? 'Go online' : 'Go offline';
  }
}

function rowOf({ id, time, severity }: InboxItem, texts: Texts): HTMLElement {
  const { title, titleLanguage = '', body, bodyLanguage = '' } = texts;
  return element(
    'li',
    [
      element('p', [element('b', title, { dir: 'auto', lang: titleLanguage }), timeOf(time)]),
      element('p', body, { dir: 'auto', lang: bodyLanguage }),
    ],
    { 'data-id': id, 'data-severity': severity },
  );
}
