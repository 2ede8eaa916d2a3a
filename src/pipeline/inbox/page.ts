/** One page of an inbox: which notifications are on it, then their texts, as many as one answer may hold. */
import type { Audience } from '../../contract/audience.ts';
import type { InboxItem, InboxPage } from '../../contract/inbox.ts';
import type { Portion } from './answer-size.ts';
import type { Stored } from './inbox.ts';
import { flagsAt } from './marks-view.ts';
import type { ReadInbox } from './metered-inbox.ts';
import { digestOf, formatPosition, type Position } from './position.ts';
import { notificationIn, notificationWith } from './stored-notification.ts';
import { REMEMBERED, type View, type ViewItem } from './view.ts';

export interface PageOptions {
  readonly limit: number;
  readonly portion: Portion;
  /** Where the view began. */
  readonly from: Position | undefined;
}

type Page = Pick<InboxPage, 'notifications' | 'next'>;

/** The next of a view, and where the page after them begins when there is more. */
export async function readPage(inbox: ReadInbox, view: View, options: PageOptions): Promise<Page> {
  const items: ViewItem[] = [];
  let item = await view.next();
  while (item !== undefined && items.length < options.limit) {
    view.take(item);
    items.push(item);
    item = await view.next();
  }
  const { notifications, fitted } = await readTexts(inbox, items, options.portion);
  const isEnd = item === undefined && !view.isCut && fitted === items.length;
  return isEnd ? { notifications } : { notifications, next: nextOf(view, items, fitted, options.from) };
}

/** `fitted`: how many of the items are done with; what was trimmed meanwhile is, and is not on the page. */
async function readTexts(
  inbox: ReadInbox,
  items: readonly ViewItem[],
  portion: Portion,
): Promise<{ readonly notifications: InboxItem[]; readonly fitted: number }> {
  const notifications: InboxItem[] = [];
  let fitted = 0;
  while (fitted < items.length) {
    const some = items.slice(fitted, fitted + portion.nextRead(items.length - fitted));
    const texts = await textsOf(inbox, some);
    for (const [i, text] of texts.entries()) {
      const item = some[i];
      if (text !== undefined && item !== undefined) {
        const shown = itemOf(text, item);
        if (!portion.take(Buffer.byteLength(text) + MARKS_BYTES)) return { notifications, fitted };
        notifications.push(shown);
      }
      fitted += 1;
    }
  }
  return { notifications, fitted };
}

/** What `seen`, `read` and `archived` add to a notification's JSON, and the comma behind it. */
const MARKS_BYTES = 50;

function itemOf(text: string, { envelope: { offset, appendedAtMs }, log }: ViewItem): InboxItem {
  return notificationWith(notificationIn(text, appendedAtMs), flagsAt(log.marks, offset));
}

/** In the order of the items; undefined for what the log does not hold any more. What stands together is read at once. */
async function textsOf(
  inbox: ReadInbox,
  items: readonly ViewItem[],
): Promise<readonly (string | undefined)[]> {
  const offsets = new Map<Audience, number[]>();
  for (const { log, envelope } of items) {
    const { offset } = envelope;
    const known = offsets.get(log.audience);
    if (known === undefined) offsets.set(log.audience, [offset]);
    else known.push(offset);
  }
  const found = new Map<Audience, Map<number, string>>();
  await Promise.all(
    [...offsets].map(async ([audience, wanted]) => {
      const read = await Promise.all(
        runsOf(wanted).map(([first, last]) => inbox.read(audience, first, last)),
      );
      found.set(audience, new Map(read.flat().map(({ offset, json }: Stored) => [offset, json])));
    }),
  );
  return items.map(({ log, envelope }) => found.get(log.audience)?.get(envelope.offset));
}

/** Offsets without a gap between them, as first and last. `offsets`: newest first. */
function runsOf(offsets: readonly number[]): readonly (readonly [number, number])[] {
  const runs: [number, number][] = [];
  for (const offset of offsets) {
    const run = runs.at(-1);
    if (run !== undefined && run[0] === offset + 1) run[0] = offset;
    else runs.push([offset, offset]);
  }
  return runs;
}

/** Where a page begins that goes on behind the first `count` of the items, all of which were taken from the view. */
function nextOf(view: View, items: readonly ViewItem[], count: number, from: Position | undefined): string {
  const offsets = { ...view.offsets };
  for (const { log, envelope } of items.slice(count).toReversed()) offsets[log.audience] = envelope.offset;
  const taken = items.slice(0, count).map(({ envelope }) => digestOf(envelope.identity));
  return formatPosition({ offsets, shown: [...(from?.shown ?? []), ...taken].slice(-REMEMBERED) });
}
