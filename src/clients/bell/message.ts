/** The inside of a list item or a toast: severity, a title that is a link or a button, and the body. */
import type { Notification } from '../client/connect.ts';
import { contentsOf, isElsewhere } from './contents.ts';
import { create, hidden, icon } from './nodes.ts';
import type { Words } from './words.ts';

/** What was done to a notification. */
export interface Actions {
  /** The title was clicked. `href`: where the browser goes unless the click is prevented. */
  readonly onChosen: (notification: Notification, href: string | undefined, click: MouseEvent) => void;
}

export interface Message {
  readonly mark: HTMLElement;
  /** What takes the focus. */
  readonly main: HTMLElement;
  readonly body: HTMLElement | undefined;
}

export function messageOf(notification: Notification, words: Words, { onChosen }: Actions): Message {
  const { title, body, href } = contentsOf(notification);
  const { severity } = notification;
  const name = [hidden(`${words.severity[severity]}: `), title];
  const main: HTMLElement =
    href === undefined
      ? create('button', 'title', { type: 'button' }, ...name)
      : create('a', 'title link', linkTo(href), ...name);
  main.addEventListener('click', (click) => onChosen(notification, href, click));
  return {
    mark: create('span', 'severity', {}, icon(severity)),
    main,
    body: body === '' ? undefined : create('p', 'body', {}, body),
  };
}

function linkTo(href: string): Record<string, string> {
  return isElsewhere(href) ? { href, target: '_blank', rel: 'noopener noreferrer' } : { href };
}
