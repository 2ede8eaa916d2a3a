/** The shop's part of the page: its orders, what can be done with each, and which events that made. */
import { ask, find } from '../support/page.ts';
import { element, part, timeOf } from './nodes.ts';
import { items, type Order, type ShopState, type Status } from './orders.ts';
import routes from './routes.yaml?raw';

/** What may become of an order next, by the word on the button. */
const NEXT: Readonly<Record<Status, Readonly<Record<string, Status>>>> = {
  placed: { Pack: 'packed', Cancel: 'cancelled' },
  packed: { Ship: 'shipped', Cancel: 'cancelled' },
  shipped: { Deliver: 'delivered', Cancel: 'cancelled' },
  delivered: {},
  cancelled: {},
};

const SHOWN_EVENTS = 6;

export async function openCounter(): Promise<void> {
  part('#shop pre').textContent = routes;
  const item = find('#place select', HTMLSelectElement);
  item.append(...items.map((name) => new Option(name)));
  find('#place', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    void act('place', { item: item.value });
  });
  await act('orders', {});
}

/** One at a time, so that events are published in the order of the clicks. */
let last = Promise.resolve();

function act(name: string, body: object): Promise<void> {
  last = last.then(async () => {
    const problem = part('#shop .problem');
    try {
      show(shopStateOf(await ask(name, body)));
      problem.textContent = '';
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
    }
  });
  return last;
}

function show({ orders, published }: ShopState): void {
  const pressed = document.activeElement;
  const order = pressed?.closest('[data-order]')?.getAttribute('data-order');
  part('[data-orders]').replaceChildren(...orders.toSorted((a, b) => b.id.localeCompare(a.id)).map(rowOf));
  // All buttons are new: whoever is at the keyboard MUST find the focus where it was, or next to it.
  const buttons = [...document.querySelectorAll<HTMLElement>(`[data-order="${order}"] button`)];
  (buttons.find(({ ariaLabel }) => ariaLabel === pressed?.ariaLabel) ?? buttons[0])?.focus();
  const latest = published.slice(-SHOWN_EVENTS).reverse();
  part('[data-published]').replaceChildren(
    ...latest.map(({ type, orderId, atMs }) =>
      element('li', [element('code', `${type} ${orderId}`), timeOf(atMs)]),
    ),
  );
}

function rowOf({ id, item, status }: Order): HTMLElement {
  const buttons = Object.entries(NEXT[status]).map(([word, next]) =>
    button(word, id, () => act('set', { id, status: next })),
  );
  buttons.push(button('Say again', id, () => act('repeat', { id })));
  buttons.push(button('Take back', id, () => act('takeBack', { id })));
  return element(
    'li',
    [
      element('p', [element('b', `${id} ${item}`), element('span', status, { 'data-status': status })]),
      element('p', buttons, { class: 'buttons' }),
    ],
    { 'data-order': id, id: `order-${id}` },
  );
}

function button(word: string, id: string, onClick: () => Promise<void>): HTMLElement {
  const made = element('button', word, { type: 'button', class: 'plain', 'aria-label': `${word} ${id}` });
  made.addEventListener('click', () => void onClick());
  return made;
}

function shopStateOf(answer: unknown): ShopState {
  if (!isShopState(answer)) throw new Error('the shop answered something else');
  return answer;
}

function isShopState(answer: unknown): answer is ShopState {
  return typeof answer === 'object' && answer !== null && 'orders' in answer && 'published' in answer;
}
