/** The customer's mailbox as the e-mail service tells it, by a topic: what it sent, and whether it sees her online. */
import type { Client, Notification } from 'carillon-client';
import { element, part, timeOf } from './nodes.ts';
import { CUSTOMER } from './orders.ts';

export function openMailbox(carillon: Client): void {
  const watch = part('[data-watch]');
  const showWatch = (isHere: boolean) => {
    watch.dataset.here = String(isHere);
    watch.textContent = isHere
      ? 'The e-mail service sees her online.'
      : 'The e-mail service sees her away: what nobody comes for is mailed.';
  };
  showWatch(false);
  carillon.on('notification', ({ type, data, time }) => {
    if (type === 'mail.sent') part('[data-mails]').prepend(mailOf(data, time));
    if (type === 'mail.watch' && data.user === CUSTOMER) showWatch(data.isHere === true);
  });
  void carillon.subscribe('mailbox', { last: 50 });
}

function mailOf({ to, subject, text }: Notification['data'], time: string): HTMLElement {
  return element('li', [
    element('p', [element('b', String(subject)), timeOf(time)]),
    element('p', String(text)),
    element('small', `to ${to}`),
  ]);
}
