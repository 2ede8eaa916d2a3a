/** Events to append. Each notification is 512 bytes of JSON, like one to a person with a title, a text and a link. */
import type { Audience } from '../../../src/contract/audience.ts';
import { encodeEvent, NOTIFICATION_MIDDLE } from '../../../src/contract/notification.ts';
import type { Entry, Inbox } from '../../../src/pipeline/inbox/inbox.ts';

const NOTIFICATION_BYTES = 512;
export const SOURCE = '/orders';
const RECEIVED_AT = new Date();
const EPOCH = '00000000';
/** One call of the append script takes this many entries, like append-queue.ts. */
const AT_ONCE = 100;

let made = 0;

export function madeEntry(audience: Audience): Entry {
  made += 1;
  const id = `7d1c52f0-93ab-4c1e-8f00-${String(made).padStart(12, '0')}`;
  const bare = textOf(audience, id, '');
  const bytes =
    bare.head.length + EPOCH.length + NOTIFICATION_MIDDLE.length + '500'.length + bare.tail.length;
  const text = textOf(audience, id, 'x'.repeat(NOTIFICATION_BYTES - bytes));
  return { source: SOURCE, id, text, sampled: false };
}

function textOf(audience: Audience, id: string, body: string) {
  const data = { title: 'Your order is on its way', url: '/orders/1001', body };
  const event = { specversion: '1.0' as const, id, source: SOURCE, type: 'order.shipped', data };
  return encodeEvent(event, RECEIVED_AT)(audience);
}

/** Appends `count` entries to each log, in turns, so that the logs mix over time as they do in use. */
export async function fill(inbox: Inbox, audiences: readonly Audience[], count: number, turn = AT_ONCE) {
  for (let done = 0; done < count; done += turn) {
    const length = Math.min(turn, count - done);
    for (const audience of audiences) {
      await inbox.append(
        audience,
        Array.from({ length }, () => madeEntry(audience)),
      );
    }
  }
}
