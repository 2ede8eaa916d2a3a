/** The toasts: at most three, each for some seconds, which do not pass while somebody is there or nobody looks. */
import type { Notification } from '../client/connect.ts';
import { notificationKeyOf } from './contents.ts';
import { type Actions, messageOf } from './message.ts';
import { create, icon } from './nodes.ts';
import type { Language, Words } from './words.ts';

export interface ToastActions extends Actions {
  /** The one that stands for many was clicked. */
  readonly onSummary: () => void;
  readonly onLastDismissed: () => void;
}

interface Toast {
  readonly element: HTMLElement;
  /** Of the notification; undefined: it stands for many. */
  readonly key: string | undefined;
  timer: number | undefined;
}

const MAX_TOASTS = 3;
const SHOWN_MS = 7_000;

export class Toasts {
  readonly element = create('div', 'toasts', { popover: 'manual' });
  readonly #actions: ToastActions;
  #toasts: readonly Toast[] = [];

  constructor(actions: ToastActions) {
    this.#actions = actions;
    for (const type of ['mouseenter', 'focusin']) this.element.addEventListener(type, () => this.pause());
    for (const type of ['mouseleave', 'focusout']) this.element.addEventListener(type, () => this.resume());
  }

  show(notification: Notification, language: Language): void {
    const { severity } = notification;
    const { title, mark, text } = messageOf(notification, language, this.#actions);
    const isUrgent = severity === 'critical' || severity === 'warning';
    const toast = this.#add(
      notificationKeyOf(notification),
      severity,
      isUrgent ? 'alert' : 'status',
      mark,
      create('div', 'text', {}, ...text),
    );
    this.#addDismiss(toast, language.words.dismiss(title));
  }

  /** In place of as many as nobody would read. */
  summarize(text: string, words: Words): void {
    const main = create('button', 'title', { type: 'button' }, text);
    const mark = create('span', 'severity', {}, icon('bell'));
    const toast = this.#add(undefined, 'info', 'status', mark, create('div', 'text', {}, main));
    main.addEventListener('click', () => {
      this.#remove(toast);
      this.#actions.onSummary();
    });
    this.#addDismiss(toast, words.dismiss(text));
  }

  /** Takes away those that are not wanted any more. */
  keep(isWanted: (key: string | undefined) => boolean): void {
    for (const toast of this.#toasts) if (!isWanted(toast.key)) this.#remove(toast);
  }

  /** Begins the seconds of all anew, unless they are held. The page's visibility MUST be told here. */
  resume(): void {
    this.pause();
    for (const toast of this.#toasts) this.#begin(toast);
  }

  pause(): void {
    for (const toast of this.#toasts) clearTimeout(toast.timer);
  }

  /** The browser forgets what is above the page when the bell moves to another place in it. */
  raise(): void {
    const { element } = this;
    if (this.#toasts.length > 0 && element.isConnected && !element.matches(':popover-open')) {
      element.showPopover();
    }
  }

  #add(key: string | undefined, severity: string, role: string, ...children: Node[]): Toast {
    const element = create('div', `toast ${severity}`, { role });
    const toast: Toast = { element, key, timer: undefined };
    const [oldest] = this.#toasts;
    if (oldest !== undefined && this.#toasts.length >= MAX_TOASTS) this.#remove(oldest);
    this.#toasts = [...this.#toasts, toast];
    this.element.append(element);
    this.raise();
    this.#begin(toast);
    // Screen readers tell what comes into a region that is there already.
    setTimeout(() => element.prepend(...children));
    return toast;
  }

  #begin(toast: Toast): void {
    const isHeld = this.element.matches(':hover, :focus-within') || document.visibilityState === 'hidden';
    if (!isHeld) toast.timer = window.setTimeout(() => this.#remove(toast), SHOWN_MS);
  }

  #addDismiss(toast: Toast, label: string): void {
    const dismiss = create('button', 'dismiss', { type: 'button', 'aria-label': label }, icon('close'));
    dismiss.addEventListener('click', () => {
      this.#remove(toast);
      // The focus went with it.
      const next = this.#toasts.at(-1)?.element.querySelector<HTMLElement>('.dismiss');
      if (next === undefined || next === null) this.#actions.onLastDismissed();
      else next.focus();
    });
    toast.element.append(dismiss);
  }

  #remove(toast: Toast): void {
    if (!this.#toasts.includes(toast)) return;
    clearTimeout(toast.timer);
    this.#toasts = this.#toasts.filter((other) => other !== toast);
    toast.element.remove();
    if (this.#toasts.length === 0 && this.element.matches(':popover-open')) this.element.hidePopover();
  }
}
