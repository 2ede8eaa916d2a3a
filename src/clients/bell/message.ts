/** The inside of a list item or a toast: severity, a title that is a link or a button, the body and a picture. */
import type { Notification } from '../client/connect.ts';
import { contentsOf, isElsewhere } from './contents.ts';
import { create, hidden, icon, written } from './nodes.ts';
import type { Language } from './words.ts';

/** What was done to a notification. */
export interface Actions {
  /** The title was clicked. `href`: where the browser goes unless the click is prevented. */
  readonly onChosen: (notification: Notification, href: string | undefined, click: MouseEvent) => void;
}

export interface Message {
  readonly title: string;
  readonly mark: HTMLElement;
  /** What takes the focus. */
  readonly main: HTMLElement;
  /** The main and what belongs to it, in their order. */
  readonly text: readonly HTMLElement[];
}

export function messageOf(
  notification: Notification,
  { words, reads }: Language,
  { onChosen }: Actions,
): Message {
  const { title, titleLanguage, body, bodyLanguage, href, image } = contentsOf(notification, reads);
  const { severity } = notification;
  const name = [hidden(`${words.severity[severity]}: `), title];
  const main: HTMLElement =
    href === undefined
      ? create('button', 'title', { type: 'button', ...written(titleLanguage) }, ...name)
      : create('a', 'title link', { ...linkTo(href), ...written(titleLanguage) }, ...name);
  main.addEventListener('click', (click) => onChosen(notification, href, click));
  return {
    title,
    mark: create('span', 'severity', {}, icon(severity)),
    main,
    text: [
      ...(image === undefined ? [] : [picture(image)]),
      main,
      ...(body === '' ? [] : [create('p', 'body', written(bodyLanguage), body)]),
    ],
  };
}

function linkTo(href: string): Record<string, string> {
  return isElsewhere(href) ? { href, target: '_blank', rel: 'noopener noreferrer' } : { href };
}

/** Whoever serves it learns no more than that it was shown; one that cannot be shown goes. */
function picture(src: string): HTMLElement {
  const image = create('img', 'image', { alt: '', loading: 'lazy', referrerpolicy: 'no-referrer' });
  image.addEventListener('error', () => image.remove());
  image.src = src;
  return image;
}
