/** Makes and finds elements for the page's three parts. */
import { find } from '../support/page.ts';

export const part = (selector: string): HTMLElement => find(selector, HTMLElement);

export function element(
  name: string,
  content: string | readonly HTMLElement[],
  attributes: Readonly<Record<string, string>> = {},
): HTMLElement {
  const made = document.createElement(name);
  if (typeof content === 'string') made.textContent = content;
  else made.append(...content);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

export function timeOf(at: number | string): HTMLElement {
  return element('small', clock.format(new Date(at)));
}
