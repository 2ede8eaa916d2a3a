/** Texts by language → plain texts, over HTTP for who names languages in `Accept-Language`. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import type { InboxPage } from '../../contract/inbox.ts';
import { type PickedText, pickText } from '../../contract/languages.ts';
import { showing } from '../../pipeline/inbox/stored-notification.ts';

/**
 * The page in the languages that the request names, most wanted first; `Content-Language` says which ones it has. As it is
 * for who names none: `*`, which some libraries always send, is as good as nothing.
 */
export function inAcceptedLanguages(
  page: InboxPage,
  request: FastifyRequest,
  reply: FastifyReply,
): InboxPage {
  addToVary(reply, 'Accept-Language');
  const accepted = acceptedLanguages(request);
  if (accepted.length === 0) return page;
  const shown = new Set<string>();
  const textOf = (picked: PickedText | undefined) => {
    if (picked?.language !== undefined) shown.add(picked.language);
    return picked?.text;
  };
  const notifications = page.notifications.map((item) => {
    const { display } = item;
    if (display === undefined) return item;
    const { title, body, ...addresses } = display;
    return showing(item, {
      ...addresses,
      ...(title === undefined ? {} : { title: textOf(pickText(title, accepted)) }),
      ...(body === undefined ? {} : { body: textOf(pickText(body, accepted)) }),
    });
  });
  if (shown.size > 0) reply.header('content-language', [...shown].join(', '));
  return { ...page, notifications };
}

/** Those that the request names, most wanted first. */
export function acceptedLanguages(request: FastifyRequest): readonly string[] {
  return new Negotiator(request).languages().filter((range) => range !== '*');
}

function addToVary(reply: FastifyReply, name: string): void {
  const before = reply.getHeader('vary');
  reply.header('vary', before === undefined || before === '' ? name : `${String(before)}, ${name}`);
}
