/** The customer's phone: a bell, and the inbox under it as a list. Offline it shows what it last knew. */
import { CarillonBell } from 'carillon/bell';
import type { Client, ConnectionState, InboxItem, Notification } from 'carillon/client';
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
    client.on('notification', ({ id, data }, { isMissed }) => {
      this.#titles.set(id, String(data.title));
      this.#say(`${isMissed ? 'Afterwards' : 'Live'}: ${data.title}`);
    });
    client.on('retracted', ({ id }) => {
      this.#say(`Taken back: ${this.#titles.get(id) ?? 'what had not been here'}`);
    });
    let isLoaded = false;
    const show = () => isLoaded && this.#show(client.inbox.list);
    client.inbox.subscribe(show);
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
    for (const { id, data } of list) this.#titles.set(id, String(data.title));
    part('[data-inbox]').replaceChildren(...list.map(rowOf));
  }

  #showState({ status }: ConnectionState): void {
    this.#state.dataset.state = status;
    this.#state.textContent = WORDS[status];
    this.#button.textContent = status === 'closed' ? 'Go online' : 'Go offline';
  }
}

function rowOf({ id, data, time, severity }: InboxItem | Notification): HTMLElement {
  return element(
    'li',
    [element('p', [element('b', String(data.title)), timeOf(time)]), element('p', String(data.body))],
    { 'data-id': id, 'data-severity': severity },
  );
}
