/** The table of who got what and when: a row for each notice, a column for each person. */
import type { Notification, NotificationContext } from 'carillon-client';
import { find } from '../support/page.ts';
import { nameOfAudience } from './people.ts';
import type { Person } from './person.ts';

export interface Notice {
  readonly id: string;
  readonly audience: string;
  readonly data: Notification['data'];
}

interface Receipt {
  readonly isMissed: boolean;
  readonly atMs: number;
}

interface Row {
  readonly notice: Notice;
  readonly sentAtMs: number;
  /** Whom it was for when it was sent. */
  readonly users: ReadonlySet<string>;
  readonly receipts: Map<string, Receipt>;
}

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

export class Board {
  readonly #people: readonly Person[];
  readonly #rows = new Map<string, Row>();
  readonly #body = find('tbody', HTMLTableSectionElement);
  readonly #table = find('table', HTMLElement);
  readonly #empty = find('#empty', HTMLElement);

  /** `people` may still be filled before the first notice. */
  constructor(people: readonly Person[]) {
    this.#people = people;
  }

  addColumns(): void {
    const head = find('thead tr', HTMLTableRowElement);
    head.append(...this.#people.map(({ member }) => cell('th', member.name, { scope: 'col' })));
  }

  sent(notice: Notice, sentAtMs: number): void {
    this.#rowOf(notice, sentAtMs);
    this.show();
  }

  heard({ member }: Person, notification: Notification, { isMissed }: NotificationContext): void {
    const row = this.#rowOf(notification, Date.parse(notification.time));
    row.receipts.set(member.user, { isMissed, atMs: Date.now() });
    this.show();
  }

  show(): void {
    this.#table.hidden = this.#rows.size === 0;
    this.#empty.hidden = !this.#table.hidden;
    const newestFirst = [...this.#rows.values()].sort((a, b) => b.sentAtMs - a.sentAtMs);
    this.#body.replaceChildren(...newestFirst.map((row) => this.#draw(row)));
  }

  /** A live notification may be here before the office's answer is. */
  #rowOf(notice: Notice, sentAtMs: number): Row {
    const known = this.#rows.get(notice.id);
    if (known !== undefined) return known;
    const users = new Set(
      this.#people.filter((person) => isFor(notice.audience, person)).map(({ member }) => member.user),
    );
    const row = { notice, sentAtMs, users, receipts: new Map() };
    this.#rows.set(notice.id, row);
    return row;
  }

  #draw({ notice, sentAtMs, users, receipts }: Row): HTMLElement {
    const line = document.createElement('tr');
    const title = cell('th', String(notice.data.title ?? ''), { scope: 'row' });
    const to = `to ${nameOfAudience(notice.audience)}, ${clock.format(sentAtMs)}`;
    title.append(cell('small', to));
    line.append(title);
    for (const person of this.#people) {
      const receipt = receipts.get(person.member.user);
      const isStillTheirs = users.has(person.member.user) && isFor(notice.audience, person);
      const made = receipt === undefined ? pending(person, isStillTheirs) : received(receipt);
      // On a phone, where there is no room for columns.
      made.dataset.name = person.member.name;
      line.append(made);
    }
    return line;
  }
}

function isFor(audience: string, { member, department }: Person): boolean {
  return ['global', `department:${department}`, `user:${member.user}`].includes(audience);
}

function received({ isMissed, atMs }: Receipt): HTMLElement {
  const way = isMissed ? 'afterwards' : 'live';
  const made = cell('td', way, { 'data-way': way });
  made.append(cell('small', clock.format(atMs)));
  return made;
}

function pending({ isOnline }: Person, isTheirs: boolean): HTMLElement {
  if (!isTheirs) return cell('td', '–', { 'data-way': 'none', 'aria-label': 'not for them' });
  if (!isOnline) return cell('td', 'is offline', { 'data-way': 'waiting' });
  return cell('td', '…', { 'data-way': 'coming', 'aria-label': 'on its way' });
}

function cell(name: string, text: string, attributes: Readonly<Record<string, string>> = {}): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
