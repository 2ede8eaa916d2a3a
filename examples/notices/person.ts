/** One person's card: the bell of their device, which can be offline, and the department that they are in. */

import type { Client, ConnectionState, Notification, NotificationContext } from 'carillon-client';
import { CarillonBell } from 'carillon-client/bell';
import { ask, find, login } from '../support/page.ts';
import { departments, nameOfDepartment, type Subscriber } from './people.ts';

export interface PersonActions {
  readonly onHeard: (person: Person, notice: Notification, context: NotificationContext) => void;
  /** Online or not, or in another department. */
  readonly onChange: () => void;
  readonly onProblem: (error: unknown) => void;
}

const WORDS: Readonly<Record<ConnectionState['status'], string>> = {
  connecting: 'connecting …',
  connected: 'online',
  waiting: 'connection lost',
  closed: 'offline',
};

export class Person {
  readonly member: Subscriber;
  /** What Carillon said last: in the token is only where they began. */
  #department: string;
  #status: ConnectionState['status'] = 'connecting';
  readonly #actions: PersonActions;
  readonly #card: HTMLElement;
  readonly #bell: CarillonBell;
  readonly #select: HTMLSelectElement;
  readonly #state: HTMLElement;
  readonly #button: HTMLButtonElement;

  constructor(member: Subscriber, place: HTMLElement, actions: PersonActions) {
    this.member = member;
    this.#department = member.department;
    this.#actions = actions;
    place.append(find('template', HTMLTemplateElement).content.cloneNode(true));
    const card = place.lastElementChild;
    const heading = card?.querySelector('h2');
    const bell = card?.querySelector('carillon-bell');
    const select = card?.querySelector('select');
    const state = card?.querySelector<HTMLElement>('[data-state]');
    const button = card?.querySelector<HTMLButtonElement>('footer button');
    if (
      !(card instanceof HTMLElement && heading && bell instanceof CarillonBell && select && state && button)
    ) {
      throw new Error('the page has no template of a person');
    }
    [this.#bell, this.#select, this.#state, this.#button] = [bell, select, state, button];
    this.#card = card;
    this.#card.dataset.user = member.user;
    heading.textContent = member.name;
    select.append(...departments.map((department) => new Option(nameOfDepartment(department), department)));
    select.addEventListener('change', () => void this.#move(select.value));
    button.addEventListener('click', () => void (this.isOnline ? this.#goOffline() : this.goOnline()));
    this.#show();
  }

  get department(): string {
    return this.#department;
  }

  get isOnline(): boolean {
    return this.#bell.getToken !== undefined;
  }

  /** A new connection, as after the device was switched off: what it had is told by the cursors that it kept. */
  async goOnline(): Promise<void> {
    const { user } = this.member;
    this.#bell.url = (await login(user)).url;
    this.#bell.getToken = async () => (await login(user)).token;
    // The bell makes its client at the end of this turn.
    queueMicrotask(() => this.#bell.client && this.#listen(this.#bell.client));
  }

  #goOffline(): void {
    this.#bell.getToken = undefined;
  }

  #listen(client: Client): void {
    const setStatus = () => {
      this.#status = client.state.status;
      this.#show();
    };
    client.on('state', setStatus);
    setStatus();
    client.on('notification', (notice, context) => this.#actions.onHeard(this, notice, context));
    // Again, on the same connection, when somebody is moved.
    client.on('session', (session) => {
      this.#department = session.departments[0] ?? '';
      this.#show();
    });
  }

  async #move(department: string): Promise<void> {
    try {
      await ask('move', { user: this.member.user, department });
      // To a device that is online Carillon says it by itself.
      if (this.isOnline) return;
      this.#department = department;
    } catch (error) {
      this.#actions.onProblem(error);
    }
    this.#show();
  }

  #show(): void {
    this.#state.dataset.state = this.#status;
    this.#state.textContent = WORDS[this.#status];
    this.#button.textContent = this.isOnline ? 'Go offline' : 'Go online';
    this.#select.value = this.#department;
    this.#card.dataset.department = this.#department;
    this.#actions.onChange();
  }
}
